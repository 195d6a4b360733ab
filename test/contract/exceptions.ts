/** Where servers are known to answer otherwise than Amazon documents, and how; the contract follows Amazon. */
export const EXCEPTIONS = {
  'unknown-access-key': 'Amazon: 403 InvalidAccessKeyId; versitygw: 404 XAdminUserNotFound',
  'aws-chunked-kept': 'Amazon takes aws-chunked off the stored Content-Encoding; versitygw keeps it',
  'encryption-echo': 'Amazon echoes the encryption asked for; versitygw accepts and forgets it',
  'storage-class':
    'Amazon keeps the storage class and refuses unknown ones; versitygw stores STANDARD always',
  'keys-as-paths': 'Amazon keeps every key apart and as it is; versitygw maps keys to paths of a file system',
  'key-length': 'Amazon refuses keys of more than 1024 bytes; versitygw takes what its file system takes',
  'delete-objects':
    'Amazon honours Quiet and says MalformedXML; versitygw names every key and says InvalidRequest',
  'upload-id-marker':
    'Amazon pages within the uploads of a key; versitygw refuses the marker that it gave itself',
  'url-encoding': 'Amazon encodes keys with encoding-type=url; versitygw leaves them as they are',
} as const

export type ExceptionName = keyof typeof EXCEPTIONS

/** Those of versitygw 1.8.0 on a POSIX directory. */
export const VERSITYGW_EXCEPTIONS: ReadonlySet<ExceptionName> = new Set(
  Object.keys(EXCEPTIONS) as ExceptionName[],
)
