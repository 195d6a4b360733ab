/** The text behind the flags in tablechop's `--help`. */
export const chopEpilogue = `The path is the one on the node that was backed up. The age is a number of days, or a time such as
36h or P30D. Per table these restore points stay: the newest complete one, the newest complete one
that is older than the age, every younger one (or those that --keep-… names), the newest of any
kind, and what they build on. An object goes only if none of them names it. A table without a
complete restore point loses nothing.

One run makes a plan, and the next one, an hour later at least, deletes what the plan names if nothing
speaks against it then. So have it run once a day; or give --now, which waits in between. The
node's tablesnap sees the plan meanwhile, and makes no use of what is about to go.

Examples:
  tablechop -n node1 -r --dry-run backups /var/lib/cassandra/data 30
      print what would go of all tables at an age of 30 days
  tablechop -n node1 -r backups /var/lib/cassandra/data 30
      delete what the plan of the run before names, and make a new plan; for a crontab
  tablechop -n node1 -r --keep-hourly 24 --keep-daily 30 --keep-monthly 12 backups /var/lib/cassandra/data 1
      all restore points of 24 hours, 30 days and 12 months: one for each
  tablechop -n node1 --now backups /var/lib/cassandra/data/ks/t-5a1c395e 0
      leave of one table the newest restore point alone

Exit codes:
  0         all done
  1         a key could not be deleted, or a table was held back; each is named on stderr
  2         bad usage: a flag, an environment variable or a line of the conf file
  130, 143  stopped by SIGINT or SIGTERM; the next run goes on
  255       bucket, path or age missing`
