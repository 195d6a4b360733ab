/** The text behind the flags in tablecheck's `--help`. */
export const checkEpilogue = `Looks at what a node has in the bucket and changes nothing: whether the bucket holds every object that a
restore point names, to which moments each table can be restored, and whether anything about the
bucket endangers that. The path is the one on the node that was backed up; without it everything of
the node is meant. On the node itself its disk is compared with the newest restore points, too.

A line of the report is one finding, the worst first, with a line that mends it. Notes (what only costs
money, or what the server does not tell) do not change the exit code.

Examples:
  tablecheck -n node1 backups
      all of node1, by LIST and the manifests
  tablecheck -n node1 --deep --read 1 --drill 5 backups /var/lib/cassandra/data
      besides compare the checksum of every object, read one in a hundred, and restore five SSTables
  tablecheck -n node1 --prometheus /var/lib/node_exporter/tablecheck.prom --max-age 24h backups
      for a crontab

Exit codes:
  0         all is well
  1         something cannot be restored, is not backed up, or may be lost
  2         bad usage: a flag, an environment variable or a line of the conf file
  3         all is well, but the newest restore point is older than --max-age
  130, 143  stopped by SIGINT or SIGTERM
  255       the bucket is missing`
