import { LocalS3 } from '../../dev/local-s3/index.js'

// A process of its own: what the server needs must not count as the program's.
const server = await LocalS3.start({ directory: process.argv[2] ?? '', etags: 'opaque' })
process.send?.(server.endpoint)
process.on('disconnect', () => void server.close())
