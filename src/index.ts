/**
 * The engine as a library: what the command lines are made of. See docs/library.md.
 * @module tablesnap
 */
export { Backup, type BackupSummary } from './backup/backup.js'
export type { Config, Mode } from './config/config.js'
export { loadConfig, type ConfigInput, type LoadedConfig } from './config/load.js'
export { TablesnapError, UsageError } from './errors.js'
export { createLogger } from './report/log.js'
export type { LogFields, Logger } from './report/logger.js'
export { listMoments, type ListedMoment, type MomentStatus } from './restore/choose/history.js'
export { restore } from './restore/restore.js'
export type { RestoreSummary } from './restore/summary.js'
export { S3Error } from './s3/errors.js'
export { openSession, type Session } from './session.js'
