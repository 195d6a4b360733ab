import type { Setting } from '../config/setting.js'

/** A setting's line in `--help`: what it does, its default and its environment variables. */
export function describe(setting: Setting): string {
  const notes: string[] = []
  if (setting.kind !== 'flag' && setting.default !== undefined && setting.default !== '""') {
    notes.push(setting.default.includes('\n') ? 'default: all' : `default: ${setting.default}`)
  }
  if (setting.environment !== undefined) notes.push(setting.environment.join(', '))
  return notes.length === 0 ? setting.help : `${setting.help} (${notes.join('; ')})`
}

/** The text after the flags in `--help`. */
export const epilogue = `Every long flag is also a key of the conf file (--aws-key: aws_key), and so are the arguments
(args). tablesnap reads the first of $TABLESNAP_CONF, ./tablesnap.conf, ~/.tablesnap.conf and
/etc/tablesnap/tablesnap.conf that exists. The command line wins over the environment, and the
environment over the file.

Examples:
  tablesnap -r -a backups /var/lib/cassandra/data
      watch, and upload new SSTables
  tablesnap -r -a -B --watch backups /var/lib/cassandra/data
      upload everything that the bucket lacks, then watch
  tablesnap backups /var/lib/cassandra/data -r -e snapshots/ cold_
      leave out two kinds of paths: after bucket and path, -e and -i take all values that follow
  tablesnap -r -B --dry-run backups /var/lib/cassandra/data
      show what a backup would upload
  tablesnap -n node1 -D backups /
      restore node1 to where its files were; /somewhere restores it below that directory
  tablesnap -n node1 -D --at '2026-11-23 04:12:33' backups /
      restore node1 as it was at this local time; 2026-11-23T04:12:33Z is UTC
  tablesnap -n node1 --list backups
      print the newest restore points of each table; --list-nodes prints the names of the nodes
  tablesnap -n node1 -D --at '2026-11-23 04:12:33' --table ks.t --map-table ks.t backups /
      restore a table as it was before it was dropped, into the directory that it has now;
      its restore points: --list --table ks.t
  tablesnap --status
      say whether everything is protected, and what is left; --max-age 10m for a check
  tablesnap --metrics-listen 127.0.0.1:9109 -r -a -B --watch backups /var/lib/cassandra/data
      also serve metrics for Prometheus and a status page
  tablesnap --check-config -r -a -B --watch backups /var/lib/cassandra/data
      say whether this run would work, and where each setting comes from; writes nothing
  tablesnap --endpoint-url http://127.0.0.1:9000 -r -a backups /var/lib/cassandra/data
      watch, and upload to an S3-compatible server

Environment, as with the Python tablesnap:
  TABLESNAP_SYSLOG  also log to syslog (1: /dev/log, or the path of a socket)
  TDEBUG            also write debug lines

Signals that do not end tablesnap:
  SIGHUP    open the log file and syslog again
  SIGUSR1   log one line about the state of the backup, as --status knows it

Exit codes:
  0         all done
  1         something failed; stderr names it (with --check-config: stdout)
  2         wrong usage: a flag, an environment variable or a line of the conf file
  3         with --status: something has waited for longer than --max-age; 1: not all is protected
  130, 143  ended by SIGINT or SIGTERM, after the running uploads
  255       bucket or path missing`
