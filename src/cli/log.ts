import { fstatSync } from 'node:fs'
import { isatty } from 'node:tty'

import type { Config } from '../config/config.js'
import { errorMessage } from '../errors.js'
import { LineQueue } from '../report/line-queue.js'
import { createLogger } from '../report/log.js'
import type { Logger } from '../report/logger.js'
import { ProgressLines, type Progress } from '../report/progress.js'
import { SYSLOG_SOCKET, Syslog, syslogLogger } from '../report/syslog.js'

import { LogFile } from './log-file.js'
import { ProgressBar } from './progress.js'
import { onRequest } from './requests.js'
import { addLog, setLossLine, writeErr } from './terminal.js'

/** The outputs of a run's log. */
export interface OpenedLog {
  readonly log: Logger
  /** Shows how far a restore or a -B is: a bar on a terminal, else lines in the log; undefined with --no-progress. */
  readonly progress: Progress | undefined
}

/**
 * Opens the log of a run: stderr, and syslog where TABLESNAP_SYSLOG is set, with debug lines where TDEBUG is. SIGHUP opens both again,
 * and SIGUSR1 has a line of the state written until somebody knows more of it.
 */
export function openLog(
  { logFormat, logLevel, progress }: Config,
  env: NodeJS.ProcessEnv = process.env,
): OpenedLog {
  const level = isSet(env['TDEBUG']) ? 'debug' : logLevel
  const bar =
    progress && logFormat === 'text' && isatty(2) ? new ProgressBar(process.stderr, writeErr) : undefined
  const style = { format: logFormat, isJournal: isJournal(env['JOURNAL_STREAM']) }
  const lines = createLogger(style, bar === undefined ? writeErr : line => bar.write(line), level)
  setLossLine(text => {
    let line = ''
    createLogger(style, written => (line = written)).warn(text)
    return line
  })
  const syslog = openSyslog(env['TABLESNAP_SYSLOG'], lines)
  const log = syslog === undefined ? lines : both(lines, syslogLogger(syslog.queue, level))
  const file = new LogFile(2)
  onRequest('SIGHUP', () => {
    syslog?.output.close()
    const failure = file.reopen()
    if (failure === undefined) log.info('SIGHUP: the log is open again')
    else log.warn(`SIGHUP: ${failure}`)
  })
  onRequest('SIGUSR1', () => log.info('Status: no backup is running (yet)'))
  takeOverWarnings(log)
  return { log, progress: progress ? (bar ?? new ProgressLines(log)) : undefined }
}

/** Whether stderr is journald's. @param stream its device and inode, with a colon between them, as systemd.exec(5) says */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false
  try {
    const { dev, ino } = fstatSync(2)
    return stream === `${dev}:${ino}`
  } catch {
    // stderr is closed.
    return false
  }
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}

/** @param value of TABLESNAP_SYSLOG: anything, as the Python tablesnap took it, or the path of a socket */
function openSyslog(
  value: string | undefined,
  log: Logger,
): { output: Syslog; queue: LineQueue } | undefined {
  if (!isSet(value)) return undefined
  const path = value.startsWith('/') ? value : SYSLOG_SOCKET
  const output = new Syslog(path)
  const queue = new LineQueue(output)
  addLog(queue)
  try {
    output.connect()
  } catch (error) {
    log.warn(
      `TABLESNAP_SYSLOG is set, but syslog does not listen on ${path} (${errorMessage(error)}): the newest log lines wait for it`,
    )
  }
  return { output, queue }
}

function both(first: Logger, second: Logger): Logger {
  const at =
    (level: keyof Logger): Logger['info'] =>
    (message, fields) => {
      first[level](message, fields)
      second[level](message, fields)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/**
 * Node writes its warnings to `process.stderr`, which ends the process where nobody reads stderr any more. They go to the log instead,
 * unless they are switched off.
 */
function takeOverWarnings(log: Logger): void {
  if (process.listenerCount('warning') === 0) return
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    const text = `Node.js: ${name}: ${message}`
    if (name === 'DeprecationWarning') log.debug(text)
    else log.warn(text)
  })
}
