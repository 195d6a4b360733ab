import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
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

/** What follows the flags in `--help`. */
export const epilogue = `Every long flag is a key of the conf file as well (--aws-key: aws_key), and so are the arguments
(args). The first of $TABLESNAP_CONF, ./tablesnap.conf, ~/.tablesnap.conf and
/etc/tablesnap/tablesnap.conf is read. The command line comes before the environment, and both
come before the file.

Examples:
  tablesnap -r -a backups /var/lib/cassandra/data
      watch, and upload what is new
  tablesnap -r -a -B --watch backups /var/lib/cassandra/data
      back up what exists, then watch
  tablesnap backups /var/lib/cassandra/data -r -e snapshots/ cold_
      leave out two kinds of paths: behind bucket and path, -e and -i take all that follows
  tablesnap -r -B --dry-run backups /var/lib/cassandra/data
      show what a backup would upload
  tablesnap -n node1 -D backups /
      restore the newest state of node1 where it was; /somewhere puts it below there
  tablesnap -n node1 -D --at '2026-11-23 04:12:33' backups /
      restore the newest state not later than that, in local time; 2026-11-23T04:12:33Z is UTC
  tablesnap -n node1 --list backups
      show the newest restore points of each table; --list-nodes shows the names in the bucket
  tablesnap -n node1 -D --at '2026-11-23 04:12:33' --table ks.t --map-table ks.t backups /
      restore a table that was dropped at a later time, into the directory that it has since it
      was created again; --list --table ks.t shows its restore points
  tablesnap --endpoint-url http://127.0.0.1:9000 -r -a backups /var/lib/cassandra/data
      watch, and upload to an S3-compatible server

Environment, as of the Python tablesnap:
  TABLESNAP_SYSLOG  log to syslog (/dev/log, or the socket that it names) as well
  TDEBUG            write debug lines, too

Signals, which end nothing:
  SIGHUP    open the log file and syslog again
  SIGUSR1   write a line of how the backup stands

Exit codes:
  0         all done
  1         something failed, and is named on stderr
  2         bad usage: a flag, an environment variable or a line of the conf file
  130, 143  ended by SIGINT or SIGTERM, after the running uploads
  255       bucket or path missing`

/** The version of this package. */
export function packageVersion(): string {
  // By its name, as the bundle lies in another folder than this file.
  const path = createRequire(import.meta.url).resolve('tablesnap/package.json')
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return version
}
