/** The text after the flags in tableslurp's `--help`. */
export const slurpEpilogue = `The origin is the directory's path on the node that was backed up. Without -p, -o and -g each file
gets the owner that its metadata names, else the owner of the target; if tableslurp does not run as
root, the files belong to its user. --commitlogs restores every segment and no SSTable: only
Cassandra knows, by its SSTables, which segments it needs.

tableslurp reads the same conf file and environment as tablesnap (see tablesnap --help). args and
the keys that choose a mode have no effect here.

Examples:
  tableslurp -n node1 backups /var/lib/cassandra/data/ks/t-5a1c395e /var/lib/cassandra/data/ks/t-5a1c395e
      restore a table to its newest restore point
  tableslurp -n node1 --at '2026-11-23 04:12:33' backups /var/lib/cassandra/data/ks/t-5a1c395e /restore
      restore a table to its newest restore point not later than this local time
  tableslurp -n node1 -r backups /var/lib/cassandra/data /restore
      restore all tables: /restore/<keyspace>/<table>
  tableslurp -n node1 -f nb-4-big-Data.db backups /var/lib/cassandra/data/ks/t-5a1c395e /restore
      restore a table as it was when nb-4-big-Data.db was uploaded
  tableslurp -n node1 --list backups /var/lib/cassandra/data/ks/t-5a1c395e
      print the restore points of a table

Exit codes:
  0         all done
  1         something failed or is missing; stderr names it
  2         wrong usage: a flag, an environment variable or a line of the conf file
  130, 143  stopped by SIGINT or SIGTERM
  255       bucket, origin or target missing`
