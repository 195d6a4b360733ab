import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { resolveName, type IdentitySources } from '../../src/node/identity.js'

const automatic = { name: undefined, nameFrom: undefined, separator: ':' } as const

const scratch = t.testdir()
let folders = 0

/** A new folder with these files. */
function folderOf(files: Record<string, string>): string {
  const folder = join(scratch, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`)
  return folder
}

/** A metadata service on loopback; the requests it saw are collected. */
async function imds(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<{ env: NodeJS.ProcessEnv; seen: string[] }> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${String(request.method)} ${String(request.url)}`)
    answer(request, response, seen.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}` }, seen }
}

function version2(request: IncomingMessage, response: ServerResponse): void {
  const path = String(request.url)
  if (request.method === 'PUT' && path === '/latest/api/token') {
    const lifetime = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds'])
    response.writeHead(lifetime >= 1 ? 200 : 400).end('the-token')
  } else if (request.headers['x-aws-ec2-metadata-token'] !== 'the-token') response.writeHead(401).end()
  else if (path === '/latest/meta-data/ami-launch-index') response.end('3')
  else response.writeHead(404).end()
}

/** Sources that know a host by the lines of a hosts file, and by a name service. */
function network(
  host: string,
  address: string,
  hosts: string,
  names: Record<string, string> = {},
): IdentitySources {
  const hostsFile = join(folderOf({ hosts }), 'hosts')
  return {
    hostname: host,
    hostsFile,
    dmiFolder: '/nowhere',
    lookup: () => Promise.resolve(address),
    reverse: one => Promise.resolve(names[one] ?? one),
  }
}

await t.test('-n is taken as it is, and checked', async t => {
  t.strictSame(await resolveName({ ...automatic, name: 'n1', nameFrom: 'fqdn' }), {
    name: 'n1',
    source: 'flag',
  })
  for (const name of ['', 'a/b', 'a:b', 'a\nb', '..']) {
    await t.rejects(
      resolveName({ ...automatic, name }),
      { code: 'NAME_INVALID', exitCode: 2 },
      JSON.stringify(name),
    )
  }
  await t.resolves(resolveName({ ...automatic, name: 'a:b', separator: '' }))
})

await t.test('the fully qualified name as Python finds it', async t => {
  for (const [about, sources, name, source] of [
    [
      'canonical name',
      network('n', '127.0.1.1', '127.0.0.1 localhost\n127.0.1.1 n.example.org n # x\n'),
      'n.example.org',
      'fqdn',
    ],
    ['alias with a dot', network('n', '10.0.0.1', '10.0.0.1\tn\tn.example.org\n'), 'n.example.org', 'fqdn'],
    [
      'first line of the address',
      network('n', '10.0.0.1', '10.0.0.1 first other\n10.0.0.1 n.example.org\n'),
      'first',
      'fqdn',
    ],
    [
      'IPv6 in another spelling',
      network('n', 'fd00::1', 'fd00:0:0::0001 n.example.org\n'),
      'n.example.org',
      'fqdn',
    ],
    ['name service', network('n', '10.0.0.1', '', { '10.0.0.1': 'n.dns.org' }), 'n.dns.org', 'fqdn'],
    ['address without a name', network('n', '10.0.0.1', ''), 'n', 'hostname'],
    ['no dot anywhere', network('n', '10.0.0.1', '10.0.0.1 n\n'), 'n', 'hostname'],
    [
      'never localhost',
      network('n', '127.0.0.1', '127.0.0.1 localhost localhost.localdomain\n'),
      'n',
      'hostname',
    ],
    [
      'alias beside localhost',
      network('n', '127.0.0.1', '127.0.0.1 localhost n.example.org\n'),
      'n.example.org',
      'fqdn',
    ],
    ['host name with a dot', network('n.own.org', '10.0.0.1', ''), 'n.own.org', 'fqdn'],
  ] as const) {
    t.strictSame(await resolveName(automatic, sources), { name, source }, about)
  }
})

await t.test('a look-up that fails', async t => {
  const failing = (code: string): IdentitySources => ({
    ...network('n', '', ''),
    lookup: () => Promise.reject(Object.assign(new Error(code), { code })),
  })
  t.strictSame(await resolveName(automatic, failing('ENOTFOUND')), { name: 'n', source: 'hostname' })
  t.match(await resolveName(automatic, failing('EAI_AGAIN')), {
    name: 'n',
    source: 'hostname',
    warning:
      'the full name of n cannot be looked up (EAI_AGAIN); this node goes by n, which -n NAME makes certain',
  })
  await t.rejects(resolveName({ ...automatic, nameFrom: 'fqdn' }, failing('EAI_AGAIN')), {
    code: 'IDENTITY_UNKNOWN',
    exitCode: 1,
    message:
      'the full name of n cannot be looked up (EAI_AGAIN); choose a name with -n NAME or --name-from hostname',
  })
  const silent: IdentitySources = {
    ...network('n', '', ''),
    lookup: () => new Promise(() => undefined),
    timeout: 50,
  }
  t.match(await resolveName(automatic, silent), { name: 'n', warning: /ETIMEDOUT/ })
})

await t.test("this machine's own names", async t => {
  t.strictSame(await resolveName({ ...automatic, nameFrom: 'hostname' }), {
    name: hostname(),
    source: 'hostname',
  })
  const { name } = await resolveName({ ...automatic, separator: '' }, { dmiFolder: '/nowhere' })
  t.ok(name.length > 0)
})

await t.test('EC2 is known by its firmware', async t => {
  const { env } = await imds(t, version2)
  for (const files of [
    { sys_vendor: 'Amazon EC2' },
    { board_vendor: 'Amazon EC2', sys_vendor: 'other' },
    { sys_vendor: 'Xen', bios_version: '4.11.amazon' },
    { sys_vendor: 'Xen', product_uuid: 'EC2E1916-9099-7CAF-FD21-012345ABCDEF' },
    { sys_vendor: 'Xen', product_uuid: '45E12AEC-DCD1-B213-94ED-012345ABCDEF' },
  ]) {
    const identity = await resolveName(automatic, { dmiFolder: folderOf(files), env })
    t.strictSame(identity, { name: '3', source: 'ami-launch-index' }, JSON.stringify(files))
  }
  for (const files of [
    {},
    { sys_vendor: 'QEMU', product_uuid: 'EC2E1916-9099-7CAF-FD21-012345ABCDEF' },
    { sys_vendor: 'Xen', product_uuid: '0A1B2C3D-9099-7CAF-FD21-012345ABCDEF' },
  ]) {
    const elsewhere = { ...network('n', '10.0.0.1', ''), dmiFolder: folderOf(files), env }
    t.match(await resolveName(automatic, elsewhere), { name: 'n' }, JSON.stringify(files))
  }
})

await t.test('IMDSv2: a token first, and again after a failure', async t => {
  const { env, seen } = await imds(t, (request, response, count) => {
    if (count === 1) request.socket.destroy()
    else if (count === 2) response.writeHead(503).end()
    else if (count === 3) return
    else version2(request, response)
  })
  const sources = { env, imdsTimes: { request: 200, total: 5000 } }
  t.match(await resolveName({ ...automatic, nameFrom: 'ami-launch-index' }, sources), { name: '3' })
  const token = 'PUT /latest/api/token'
  t.strictSame(seen, [token, token, token, token, 'GET /latest/meta-data/ami-launch-index'])
})

await t.test('on EC2 a failure is an error, never another name', async t => {
  const onEc2 = folderOf({ sys_vendor: 'Amazon EC2' })
  const imdsTimes = { request: 100, total: 400 }
  const refused = async (env: NodeJS.ProcessEnv, reason: RegExp): Promise<void> => {
    await t.rejects(resolveName(automatic, { dmiFolder: onEc2, env, imdsTimes }), {
      code: 'IDENTITY_UNKNOWN',
      exitCode: 1,
      message: new RegExp(
        `cannot be read: ${reason.source}; choose a name with -n NAME or --name-from fqdn$`,
      ),
    })
  }
  const down = await imds(t, (_, response) => response.writeHead(500).end())
  await refused(down.env, /HTTP status 500/)
  t.ok(down.seen.length > 1, 'asked again')
  const off = await imds(t, (_, response) => response.writeHead(403).end())
  await refused(off.env, /HTTP status 403/)
  t.equal(off.seen.length, 1, 'a refusal is final')
  const hung = await imds(t, () => undefined)
  await refused(hung.env, /no answer within 100 ms/)
  const strange = await imds(t, (_, response) => response.end('<html>'))
  await refused(strange.env, /.*/)
  await refused({ AWS_EC2_METADATA_DISABLED: 'true' }, /AWS_EC2_METADATA_DISABLED is true/)
})
