/** A file that is being uploaded, by a descriptor that the main thread opened and alone closes. */
export interface FileRef {
  readonly fd: number
  readonly path: string
  readonly key: string
  /** Bytes and mtime (ns) at the time it was opened: when they change, the upload is void. */
  readonly size: number
  readonly mtime: bigint
  /** Whether the CRC-32 of the contents is asked for besides, as Cassandra's Digest.crc32 has it of Data.db. */
  readonly crc32?: boolean
}

/** A file that goes up in one PUT. */
export interface FileUpload extends FileRef {
  /** Metadata and storage headers. */
  readonly headers: Readonly<Record<string, string>>
  /** Where other content under the same name goes: the key without its `~<crc64>`. */
  readonly versionStem: string
  /** The suffix of the only key that the file may have, as tablechop is about to delete its usual ones; undefined: they are free. */
  readonly versionSuffix?: string | undefined
  /** Whether `md5sum` is put into the metadata. */
  readonly md5: boolean
  /** Whether an object of the same size that cannot be compared counts as the same. */
  readonly trustsSize: boolean
  /**
   * CRC-64 of the content that manifests say the key holds, 16 hex digits, or '' where that is known to be other content: a
   * file with other content goes to a key of its own, even while there is no such object. Undefined: manifests do not tell.
   */
  readonly reserved?: string | undefined
  /** Undefined: the file goes where its content may go, and never over other content. */
  readonly exactly?: ExactContent | undefined
}

/** The content that manifests say a key holds: no other is sent under it. */
export interface ExactContent {
  /** CRC-64/NVME, 16 hex digits; undefined: manifests do not tell it, and the caller has made sure. */
  readonly crc64: string | undefined
  /** Whether an object is there that holds something else: it is replaced. */
  readonly replaces: boolean
}

/** All small files of a set, one after the other. */
export interface FilesTask {
  readonly kind: 'files'
  readonly files: readonly FileUpload[]
}

/** The server's checksum of a part: its CRC-64, else its MD5 in hex, because the part's ETag is mostly an MD5. */
export type HeldPart = { readonly crc64: bigint } | { readonly md5: string }

/** One part of a multipart upload. */
export interface PartTask {
  readonly kind: 'part'
  readonly file: FileRef
  readonly uploadId: string
  /** 1 to 10,000. */
  readonly number: number
  /** Offset in the file, bytes. */
  readonly start: number
  readonly bytes: number
  /** This part as the server holds it from an earlier try: not sent again when it is the same. */
  readonly held: HeldPart | undefined
}

/** Checksums of a whole file, without sending it. */
export interface DigestTask {
  readonly kind: 'digest'
  readonly file: FileRef
  readonly md5: boolean
}

/** The result of one small file. */
export interface FileResult {
  /** `uploaded`; `present`: the same content was there; `version`: other content was there, so it went to versions/. */
  readonly outcome: 'uploaded' | 'present' | 'version'
  readonly key: string
  readonly crc64: bigint
  /** Where the file's reference asks for it. */
  readonly crc32?: number | undefined
}

/** The result of one part. */
export interface PartResult {
  readonly number: number
  readonly etag: string
  readonly crc64: bigint
  /** Of this part, where the file's reference asks for it. */
  readonly crc32?: number | undefined
  readonly crc32c: number | undefined
  /** Base64; with `--checksum sha256` only. */
  readonly sha256: string | undefined
  readonly sent: boolean
}

export interface DigestResult {
  readonly crc64: bigint
  /** Where the file's reference asks for it. */
  readonly crc32?: number | undefined
  /** Hex. */
  readonly md5: string | undefined
}
