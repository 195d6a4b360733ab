import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** The place of the sockets where systemd gives none. */
const RUN = '/run/tablesnap'

/** Characters of a node's name in the name of its socket: a socket's path may have 107 bytes. */
const LONGEST = 40

/** The folder of the sockets: the first one of systemd's $RUNTIME_DIRECTORY, else /run/tablesnap. */
export function socketFolder(env: NodeJS.ProcessEnv): string {
  const [folder = ''] = (env['RUNTIME_DIRECTORY'] ?? '').split(':')
  return folder.startsWith('/') ? folder : RUN
}

/** The socket of a run: others with another node, bucket or other paths have sockets of their own. */
export function socketPath(
  folder: string,
  {
    node,
    bucket,
    paths,
  }: { readonly node: string; readonly bucket: string; readonly paths: readonly string[] },
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([node, bucket, ...paths]))
    .digest('hex')
    .slice(0, 10)
  const shown = node
    .replace(/[^\w.-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, LONGEST)
  return join(folder, `${shown}-${hash}.sock`)
}
