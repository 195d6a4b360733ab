import type { Config } from '../config/config.js'
import type { Logger } from '../report/logger.js'
import type { Progress } from '../report/progress.js'

import { StatusCollector } from './collector.js'
import { ProgressView } from './progress-view.js'
import type { RecentErrors } from './recent-errors.js'
import { ServiceManager, type Workers } from './service-manager.js'
import type { StatusSource } from './source.js'
import type { ProgramFacts } from './status.js'
import { StatusLog } from './status-log.js'
import type { Traffic } from './traffic.js'

/** What the views of a run need of it. */
export interface ViewedRun {
  readonly config: Config
  readonly log: Logger
  readonly traffic: Traffic
  readonly engine: Workers
}

/** When a one-shot run makes its socket, ms: most have ended by then, and need none. */
const LATER = 1_000

/** The views of one status: log, socket, systemd, metrics and page. None of them is a reason for the backup to fail. */
export class StatusViews {
  readonly #run: ViewedRun
  readonly #collector: StatusCollector
  readonly #statusLog: StatusLog
  readonly #closers: (() => void)[] = []
  #manager: ServiceManager | undefined
  #isClosed = false

  constructor(run: ViewedRun, source: StatusSource, errors: RecentErrors, program: ProgramFacts) {
    this.#run = run
    this.#collector = new StatusCollector(program, source, run.traffic, errors)
    this.#statusLog = new StatusLog(this.#collector, run.log, run.config.mode !== 'backup')
  }

  /** Opens all views. @param progress is told how far a one-shot backup is */
  open(env: NodeJS.ProcessEnv, progress: Progress | undefined): void {
    const { config, log, traffic } = this.#run
    this.#statusLog.start()
    this.#closers.push(() => this.#statusLog.stop())
    if (progress !== undefined && config.mode === 'backup' && !config.dryRun) {
      const view = new ProgressView(this.#collector, traffic.activity, progress)
      view.start()
      this.#closers.push(() => view.stop())
    }
    this.#manager = ServiceManager.of(env, this.#collector, this.#run.engine, log)
    this.#manager?.start()
    const socket = () =>
      void this.#openSocket(env).catch((error: unknown) => log.debug(`the status socket: ${String(error)}`))
    if (config.mode === 'backup') {
      const timer = setTimeout(socket, LATER).unref()
      this.#closers.push(() => clearTimeout(timer))
    } else socket()
    if (config.metricsListen !== undefined)
      void this.#serve(config.metricsListen).catch((error: unknown) =>
        log.error(`--metrics-listen: ${String(error)}`),
      )
  }

  /** Writes the status into the log now. */
  tell(): void {
    this.#statusLog.tell()
  }

  /** The run was told to end. */
  stopping(): void {
    this.#manager?.stopping()
  }

  close(): void {
    this.#isClosed = true
    this.#manager?.stop()
    for (const close of this.#closers) close()
  }

  async #openSocket(env: NodeJS.ProcessEnv): Promise<void> {
    const [{ StatusSocket }, { socketFolder, socketPath }] = await Promise.all([
      import('./socket.js'),
      import('./socket-name.js'),
    ])
    const path = socketPath(socketFolder(env), this.#collector.program)
    const socket = new StatusSocket(this.#collector, path)
    const failure = await socket.open()
    if (this.#isClosed) socket.close()
    this.#closers.push(() => socket.close())
    if (failure === undefined) return
    const message = `tablesnap --status cannot ask this run: no socket ${path}: ${failure}`
    // Without systemd only root may make a folder there.
    if (this.#run.config.mode === 'backup') this.#run.log.debug(message)
    else this.#run.log.warn(message)
  }

  async #serve(address: { readonly host: string; readonly port: number }): Promise<void> {
    const { traffic, log } = this.#run
    const { StatusServer } = await import('./http.js')
    if (this.#isClosed) return
    const http = new StatusServer(this.#collector, traffic, address, log)
    http.start()
    this.#closers.push(() => http.stop())
  }
}
