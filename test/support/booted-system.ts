import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Test } from 'tap'

import { until } from './node.js'

/** A folder that `.ci/install` fills. @throws Error when it did not */
export function installed(name: string): string {
  const { TABLESNAP_CI_CACHE, XDG_CACHE_HOME } = process.env
  const cache = TABLESNAP_CI_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tablesnap-ci')
  const folder = join(cache, name)
  if (!existsSync(folder)) throw new Error(`${folder} is missing: run .ci/install`)
  return folder
}

/** Mounts what systemd wants to find, and becomes it. $1: the root folder */
const BOOT = `
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=tablesnap-test /usr/sbin/chroot . /lib/systemd/systemd --log-target=null
`

/** The result of a command. */
export interface Result {
  readonly code: number | null
  /** stdout and stderr. */
  readonly output: string
}

/**
 * A Debian 12 of its own, fresh from its packages and booted with systemd: a root folder and namespaces, no virtual machine. It shares the
 * network, so servers on 127.0.0.1 can be reached.
 */
export class BootedSystem {
  readonly root: string
  readonly #child: ChildProcess
  #systemd = 0

  private constructor(root: string, child: ChildProcess) {
    this.root = root
    this.#child = child
  }

  static async boot(t: Test): Promise<BootedSystem> {
    const root = mkdtempSync(join(tmpdir(), 'bookworm-'))
    execFileSync('tar', ['-xf', join(installed('bookworm-1'), 'root.tar'), '-C', root, '--exclude=./dev/*'])
    const namespaces = ['--mount', '--pid', '--cgroup', '--uts', '--ipc', '--fork', '--kill-child=SIGKILL']
    const child = spawn('unshare', [...namespaces, 'sh', '-c', BOOT, 'sh', root], { stdio: 'ignore' })
    const ended = new Promise(resolve => child.once('close', resolve))
    t.teardown(async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(root, { recursive: true, force: true })
    })
    const system = new BootedSystem(root, child)
    await until(() => system.#isRunning())
    return system
  }

  /** Runs a command in the system, as root and with an empty environment. */
  async run(command: string, ...args: readonly string[]): Promise<Result> {
    const enter = ['-t', String(this.#systemd), '-m', '-p', '-u', '-i', '-C', '-r', '-w']
    const clean = ['/usr/bin/env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8']
    const child = spawn('nsenter', [...enter, ...clean, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    return new Promise(resolve => child.once('close', code => resolve({ code, output })))
  }

  /** {@link run} of a shell script. @throws Error when it fails */
  async sh(script: string): Promise<string> {
    const { code, output } = await this.run('bash', '-c', script)
    if (code !== 0) throw new Error(`exit code ${code} of: ${script}\n${output}`)
    return output
  }

  /** Brings a file into the system. */
  put(source: string, path: string): void {
    cpSync(source, join(this.root, path))
  }

  /** Writes a file of the system; its folder is made. */
  write(path: string, text: string): void {
    mkdirSync(join(this.root, path, '..'), { recursive: true })
    writeFileSync(join(this.root, path), text)
  }

  async #isRunning(): Promise<boolean> {
    this.#systemd ||= this.#findSystemd()
    if (this.#systemd === 0) return false
    const { output } = await this.run('systemctl', 'is-system-running')
    return /^(running|degraded)/.test(output)
  }

  /** The only child of `unshare`, once it has become systemd. */
  #findSystemd(): number {
    const { pid } = this.#child
    const file = `/proc/${pid}/task/${pid}/children`
    const [child = ''] = existsSync(file) ? readFileSync(file, 'utf8').split(' ') : []
    if (child === '' || !readdirSync('/proc').includes(child)) return 0
    return readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'systemd' ? Number(child) : 0
  }
}
