/** The folder of a prefix in which tablesnap keeps what is not a file of a node: manifests, versions, `node.json`, plans. */
export const OWN_FOLDER = '.tablesnap/'

/** The folder of a node in {@link OWN_FOLDER} that holds its manifests. */
export const MANIFESTS_FOLDER = 'states/'

/** The end of the key of a manifest. */
export const MANIFEST_SUFFIX = '.json.gz'

/** The end of the key of an upstream listing; the key of the directory's newest Data.db stands before it. */
export const LISTING_SUFFIX = '-listdir.json'
