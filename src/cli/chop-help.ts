/** The text behind the flags in tablechop's `--help`. */
export const chopEpilogue = `The path is the one on the node that was backed up. The age is a number of days, or a time such as
36h or P30D. tablechop keeps these restore points of each table: the newest complete one, the newest
complete one that is older than the age, every younger one (or those that --keep-… names), the
newest of any kind, and the manifests that these build on. It deletes an object only if none of them
names it. It deletes nothing of a table without a complete restore point.

One run writes a plan. The next run, at least an hour later, checks the plan again and deletes what
it names. So run tablechop once a day, or with --now, which waits in between. Meanwhile the node's
tablesnap reads the plan, and does not use the objects in it.

Examples:
  tablechop -n node1 -r --dry-run backups /var/lib/cassandra/data 30
      print which objects of all tables would be deleted at an age of 30 days
  tablechop -n node1 -r backups /var/lib/cassandra/data 30
      delete what the last plan names, and write a new plan; for a crontab
  tablechop -n node1 -r --keep-hourly 24 --keep-daily 30 --keep-monthly 12 backups /var/lib/cassandra/data 1
      keep one restore point for each of 24 hours, 30 days and 12 months
  tablechop -n node1 --now backups /var/lib/cassandra/data/ks/t-5a1c395e 0
      keep only the newest restore point of one table

Exit codes:
  0         all done
  1         a key could not be deleted, or a limit protected a table; stderr names each
  2         wrong usage: a flag, an environment variable or a line of the conf file
  130, 143  stopped by SIGINT or SIGTERM; the next run continues
  255       bucket, path or age missing`
