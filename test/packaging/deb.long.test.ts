import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import t from 'tap'

import { BootedSystem } from '../support/booted-system.js'
import { testBucket } from '../support/bucket.js'
import { until } from '../support/node.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PACKAGES = join(ROOT, 'dist/packages')
const TABLE = '/var/lib/cassandra/data/ks/t-0a1b2c3d4e5f60718293a4b5c6d7e8f9'
const COMMANDS = ['tablesnap', 'tableslurp', 'tablechop', 'tablecheck']

/** All files outside of caches and logs, and what stands in the lists of users. */
const FILES = String.raw`
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/cache -o -path /var/log \
  -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /root -o -path /var/lib/systemd/catalog -o -path /var/lib/cassandra \) -prune -o -print | sort
cat /etc/passwd /etc/group
`

/** The same without the database of rpm. */
const FILES_WITHOUT_RPM = FILES.replace('-o -path /root', '-o -path /root -o -path /var/lib/rpm')

/** Has zsh complete a line in a terminal of its own, and prints what it shows. */
const ZSH = `zsh -fc '
zmodload zsh/zpty
zpty z "zsh -f -i"
zpty -w z "autoload -Uz compinit; compinit -u; PS1=; zstyle \\":completion:*\\" list-prompt \\"\\""
sleep 10
zpty -w -n z "tablesnap --log-$(printf "\\t\\t")"
sleep 10
while zpty -r -t z line; do print -r -- "$line"; done'
`

function madePackages(): Map<string, string> {
  execFileSync(process.execPath, [join(ROOT, 'dist/dev/packaging/package.js'), 'x64'], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const names = readdirSync(PACKAGES).filter(name => /\.(deb|rpm|tgz)$/.test(name))
  return new Map(
    names.map(name => [
      name,
      createHash('sha256')
        .update(readFileSync(join(PACKAGES, name)))
        .digest('hex'),
    ]),
  )
}

async function sstable(system: BootedSystem, name: string): Promise<void> {
  await system.sh(`cd ${TABLE} && for part in Data Index Statistics; do head -c 1000 /dev/urandom > ${name}-$part.db; done
printf '%s\n' Data.db Index.db Statistics.db TOC.txt > ${name}-TOC.txt && chown cassandra:cassandra * && chmod 640 *`)
}

await t.test('the same sources give the same packages', async t => {
  const first = madePackages()
  t.equal(first.size, 3)
  t.strictSame(madePackages(), first)
  t.end()
})

await t.test('the .deb installs on a fresh Debian, its services work, and purge leaves nothing', async t => {
  const deb = readdirSync(PACKAGES).find(name => name.endsWith('_amd64.deb')) ?? ''
  const bucket = await testBucket(t)
  const system = await BootedSystem.boot(t)
  await system.sh(`useradd --system --user-group cassandra && mkdir -p ${TABLE} && chown -R cassandra: /var/lib/cassandra
chmod -R u=rwX,g=rX,o= /var/lib/cassandra`)
  const settings = `[tablesnap]\nargs = ${bucket.bucket} /var/lib/cassandra/data\nname = node1\n${endpointOf(bucket.flags)}`
  const before = await system.sh(FILES)
  system.put(join(PACKAGES, deb), `/root/${deb}`)

  await t.test('it installs, and starts nothing', async t => {
    await system.sh(`dpkg -i /root/${deb}`)
    t.match(await system.sh('tablesnap --version'), /^tablesnap |^\d+\.\d+\.\d+/)
    t.equal((await system.run('systemctl', 'is-active', 'tablesnap')).output, 'inactive\n')
    t.match(await system.sh('stat -c "%a %U %G" /etc/tablesnap/*'), /^600 root root\n640 root tablesnap\n$/)
    t.match(await system.sh('id -nG tablesnap'), /cassandra/)
    t.equal(await system.sh('ldd /usr/lib/tablesnap/bin/node | grep -c "not found" || true'), '0\n')
    t.end()
  })

  await t.test('systemd finds no fault in the units, and they are confined', async t => {
    const units = readdirSync(join(ROOT, 'packaging/systemd'))
    t.equal(await system.sh(`systemd-analyze verify ${units.join(' ')}`), '')
    for (const unit of units.filter(name => name.endsWith('.service'))) {
      const { output } = await system.run('systemd-analyze', 'security', '--offline=yes', unit)
      const [, level = '10'] = /exposure level for \S+: ([\d.]+)/.exec(output) ?? []
      t.ok(Number(level) < 3, `${unit}: ${level}`)
    }
    t.end()
  })

  await t.test('the daemon backs up what its user may read, and tells systemd how it stands', async t => {
    system.write(
      '/etc/tablesnap/environment',
      `AWS_ACCESS_KEY_ID=testkey
AWS_SECRET_ACCESS_KEY=testsecret
TABLECHOP_ARGS="${bucket.bucket} /var/lib/cassandra/data 30"
TABLECHECK_ARGS="${bucket.bucket} /var/lib/cassandra/data"
`,
    )
    system.write('/etc/tablesnap/tablesnap.conf', settings)
    await sstable(system, 'nb-1-big')
    const checked = await system.run(
      'sh',
      '-c',
      'set -a; . /etc/tablesnap/environment; runuser -u tablesnap -- tablesnap -r -a -B --watch --check-config',
    )
    t.equal(checked.code, 0, checked.output)
    await system.sh('systemctl enable --now tablesnap')
    await sstable(system, 'nb-2-big')
    await until(async () => (await system.run('tablesnap', '--status')).code === 0)
    const keys = (await bucket.list('node1:')).map(({ key }) => key)
    t.equal(keys.filter(key => key.endsWith('-Data.db')).length, 2)
    t.match(await system.sh('systemctl show -p StatusText tablesnap'), /StatusText=./)
    t.match(
      await system.sh('cat /proc/$(systemctl show -p MainPID --value tablesnap)/status'),
      /CapEff:\t0{16}\n/,
    )
    t.match(
      await system.sh(
        'ps -o user= -p $(systemctl show -p MainPID --value tablesnap) 2>/dev/null || stat -c %U /run/tablesnap',
      ),
      /tablesnap/,
    )
    t.notMatch(await system.sh('journalctl -u tablesnap -o cat'), /WARNING|ERROR/)
  })

  await t.test('systemd restarts a daemon that stands still', async t => {
    system.write(
      '/etc/systemd/system/tablesnap.service.d/test.conf',
      '[Service]\nWatchdogSec=3\nRestartSec=0\n',
    )
    await system.sh('systemctl daemon-reload && systemctl restart tablesnap')
    const pid = async () => (await system.sh('systemctl show -p MainPID --value tablesnap')).trim()
    const first = await pid()
    await system.sh(`kill -STOP ${first}`)
    await until(async () => !['0', first].includes(await pid()))
    await until(async () => (await system.run('tablesnap', '--status')).code === 0)
    t.equal(await system.sh('systemctl show -p NRestarts --value tablesnap'), '1\n')
  })

  await t.test('tablechop and tablecheck run as services', async t => {
    for (const name of ['tablechop', 'tablecheck']) {
      t.equal((await system.run('systemctl', 'start', `${name}.service`)).code, 0, name)
      await system.sh(`systemctl enable --now ${name}.timer`)
    }
    t.match(await system.sh('journalctl -u tablecheck -o cat'), /All is well/)
    t.end()
  })

  await t.test('the man pages have no fault, and the shells complete', async t => {
    for (const name of COMMANDS) {
      t.equal(await system.sh(`man --warnings -E UTF-8 ${name} 2>&1 >/dev/null`), '', `man ${name}`)
      t.match(
        await system.sh(`man ${name} | head -n 40`),
        new RegExp(`NAME.* ${name} +- +.*SYNOPSIS.* ${name} .*DESCRIPTION`, 's'),
      )
    }
    const bash = (line: string) =>
      system.sh(`source /usr/share/bash-completion/completions/${line.split(' ')[0] ?? ''}
COMP_WORDS=(${line.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _\${COMP_WORDS[0]} 2>&1; echo "\${COMPREPLY[*]}"`)
    t.equal(await bash('tablesnap --log-l'), '--log-level\n')
    t.equal(await bash('tablesnap --log-level '), 'debug info warn error\n')
    t.equal(await bash('tablesnap --log-level = de'), 'debug\n')
    t.equal(await bash('tablesnap -B backups /var/lib/cassandra/d'), '/var/lib/cassandra/data\n')
    t.match(await bash('tablechop --keep-'), /--keep-within --keep-last --keep-hourly/)
    const fish = await system.sh(
      `fish -c 'complete -C "tablesnap --log-level "; complete -C "tablecheck --dr"'`,
    )
    t.match(fish, /^debug\t.*\n(.*\n)*warn\t.*\n--drill\t.*\n--drill-dir\t/)
    t.equal(await system.sh('zsh -n /usr/share/zsh/vendor-completions/_tablesnap'), '')
    t.match(await system.sh(ZSH), /--log-format.*--log-level/s)
    t.end()
  })

  await t.test('an upgrade keeps the settings, and starts the daemon again', async t => {
    const pid = await system.sh('systemctl show -p MainPID --value tablesnap')
    await system.sh(`dpkg -i /root/${deb}`)
    await until(async () => (await system.run('tablesnap', '--status')).code === 0)
    t.not(await system.sh('systemctl show -p MainPID --value tablesnap'), pid)
    t.match(await system.sh('cat /etc/tablesnap/tablesnap.conf'), /name = node1/)
    t.match(await system.sh('stat -c "%a %U %G" /etc/tablesnap/*'), /^600 root root\n640 root tablesnap\n$/)
  })

  await t.test('purge leaves nothing', async t => {
    await system.sh('dpkg --purge tablesnap')
    t.equal((await system.run('systemctl', 'cat', 'tablesnap')).code, 1)
    t.equal(await system.sh(FILES), before)
    t.end()
  })

  await t.test('the .rpm holds the same program', async t => {
    const rpm = readdirSync(PACKAGES).find(name => name.endsWith('.rpm')) ?? ''
    system.put(join(PACKAGES, rpm), `/root/${rpm}`)
    mkdirSync(join(system.root, 'srv/rpm'), { recursive: true })
    t.match(await system.sh(`rpm -K --nosignature /root/${rpm}`), /digests OK/)
    await system.sh(`rpm --install --nodeps --noscripts --root /srv/rpm /root/${rpm}`)
    const files = (await system.sh(`dpkg-deb --fsys-tarfile /root/${deb} | tar -t | sed 's#^[.]*/*#/#'`))
      .replaceAll('vendor-completions', 'site-functions')
      .split('\n')
      .filter(path => path !== '' && !path.endsWith('/'))
    const others = (await system.sh(`rpm -qpl /root/${rpm}`)).split('\n')
    t.ok(files.length > 100)
    t.strictSame(
      files.filter(path => !others.includes(path)),
      [],
    )
    t.match(await system.sh(`rpm -qp --requires /root/${rpm}`), /glibc >= 2\.28/)
    t.match(await system.sh(`rpm -qp --configfiles /root/${rpm}`), /tablesnap\.conf/)
    t.end()
  })

  await t.test(
    'the .rpm installs with its scripts, its daemon works, and removal leaves the user alone',
    async t => {
      const rpm = readdirSync(PACKAGES).find(name => name.endsWith('.rpm')) ?? ''
      system.put(join(PACKAGES, rpm), `/root/${rpm}`)
      // Red Hat's own packages have this folder.
      await system.sh('mkdir -p /usr/share/zsh/site-functions')
      const untouched = new Set((await system.sh(FILES_WITHOUT_RPM)).split('\n'))
      // Debian's rpm knows nothing of what dpkg has installed.
      const install = `rpm --force-debian --nodeps /root/${rpm}`
      await system.sh(`${install} --install`)
      t.equal((await system.run('systemctl', 'is-active', 'tablesnap')).output, 'inactive\n')
      const { output } = await system.run('rpm', '--verify', '--nodeps', 'tablesnap')
      t.equal(
        output,
        '......G..  c /etc/tablesnap/tablesnap.conf\n',
        'its group is not the one of the package',
      )
      t.match(await system.sh('stat -c "%a %U %G" /etc/tablesnap/*'), /^600 root root\n640 root tablesnap\n$/)
      t.match(await system.sh('id -nG tablesnap'), /cassandra/)
      system.write(
        '/etc/tablesnap/environment',
        'AWS_ACCESS_KEY_ID=testkey\nAWS_SECRET_ACCESS_KEY=testsecret\n',
      )
      system.write('/etc/tablesnap/tablesnap.conf', settings)
      await system.sh('systemctl enable --now tablesnap tablechop.timer tablecheck.timer')
      await sstable(system, 'nb-3-big')
      await until(async () => (await system.run('tablesnap', '--status')).code === 0)
      const pid = await system.sh('systemctl show -p MainPID --value tablesnap')
      await system.sh(`${install} --upgrade --replacepkgs`)
      await until(async () => (await system.run('tablesnap', '--status')).code === 0)
      t.not(await system.sh('systemctl show -p MainPID --value tablesnap'), pid, 'a new version is started')
      await system.sh('rpm --force-debian --erase tablesnap')
      t.equal((await system.run('systemctl', 'cat', 'tablesnap')).code, 1)
      const left = (await system.sh(FILES_WITHOUT_RPM))
        .split('\n')
        .filter(line => line.startsWith('/') && !untouched.has(line))
      t.strictSame(left.sort(), [
        '/etc/tablesnap',
        '/etc/tablesnap/environment.rpmsave',
        '/etc/tablesnap/tablesnap.conf.rpmsave',
      ])
    },
  )
})

function endpointOf(flags: readonly string[]): string {
  return `endpoint_url = ${flags[flags.indexOf('--endpoint-url') + 1] ?? ''}\n`
}
