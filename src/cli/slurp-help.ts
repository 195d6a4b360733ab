/** What follows the flags in tableslurp's `--help`. */
export const slurpEpilogue = `The origin is the directory's path on the node that was backed up. Without -p, -o and -g files get
the owner that the bucket has of them, else that of the target; without root they stay ours.
--commitlogs leaves the origin alone, and brings every segment: which of them Cassandra needs, it
knows by its SSTables; no name and no time in the bucket tells.

The conf file, its places and the environment are tablesnap's (see tablesnap --help); its args and
its modes have no effect here.

Examples:
  tableslurp -n node1 backups /var/lib/cassandra/data/ks/t-5a1c395e /var/lib/cassandra/data/ks/t-5a1c395e
      restore a table to its newest state
  tableslurp -n node1 --at '2026-11-23 04:12:33' backups /var/lib/cassandra/data/ks/t-5a1c395e /restore
      restore a table to its newest state not later than that, in local time
  tableslurp -n node1 -r backups /var/lib/cassandra/data /restore
      restore all tables: /restore/<keyspace>/<table>
  tableslurp -n node1 -f nb-4-big-Data.db backups /var/lib/cassandra/data/ks/t-5a1c395e /restore
      restore a table to what it was when nb-4-big-Data.db came
  tableslurp -n node1 --list backups /var/lib/cassandra/data/ks/t-5a1c395e
      show the moments of a table that can be restored

Exit codes:
  0         all done
  1         something failed or is missing, and is named on stderr
  2         bad usage: a flag, an environment variable or a line of the conf file
  130, 143  stopped by SIGINT or SIGTERM
  255       bucket, origin or target missing`
