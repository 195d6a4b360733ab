/** A fault of the core: one place of its compiled text, changed. */
export interface Mutant {
  /** What the core does then. */
  readonly title: string
  /** A module of `src/tables`. */
  readonly module: string
  readonly from: string
  readonly to: string
}

/** Rules of the core, each broken. */
export const MUTANTS: readonly Mutant[] = [
  {
    title: 'changes whose order is not known are put in the order in which they were told',
    module: 'changes',
    from: 'if (change.after < until)',
    to: 'if (false)',
  },
  {
    title: 'changes have their place although something that is not known may come before them',
    module: 'changes',
    from: 'if (Math.max(...run.map(({ until }) => until)) > floor)',
    to: 'if (false)',
  },
  {
    title: 'an SSTable that is in no commit holds nothing back',
    module: 'unplaced',
    from: 'floor = Math.min(floor, files.whole.after);',
    to: ';',
  },
  {
    title: 'an SSTable that vanished holds nothing back',
    module: 'placement',
    from: 'of this.losses)\n            floor = Math.min(floor, after);',
    to: 'of []);',
  },
  {
    title: 'an SSTable of which a file went holds nothing back',
    module: 'breakages',
    from: 'if (!files.isPart || files.isGivenUp ||',
    to: 'if (true ||',
  },
  {
    title: 'a gap holds nothing back',
    module: 'placement',
    from: 'let floor = this.#gap?.after ?? Infinity;',
    to: 'let floor = Infinity;',
  },
  {
    title: 'an SSTable that was renamed is not known again by its inode',
    module: 'losses',
    from: 'const copy = files.inode === undefined ? undefined : byPlace.get(place(files));',
    to: 'const copy = undefined;',
  },
  {
    title: 'SSTables that a restore of ours moved aside are losses',
    module: 'losses',
    from: 'files.inode !== undefined && this.#disk.isMovedAside(files.directory, files.main, files.inode);',
    to: 'false;',
  },
  {
    title: 'what vanished needs no explanation',
    module: 'losses',
    from: "{ ...change, until: after + 1, kind: 'unexplained', isMissed: how === 'lost' }",
    to: 'change',
  },
  {
    title: 'a truncate is a change like any other',
    module: 'placement',
    from: "const kind = log.isEnd && log.index === '' ? { kind: 'end' } : {};",
    to: 'const kind = {};',
  },
  {
    title: 'a log that tells why an SSTable went does not clear it',
    module: 'placement',
    from: 'this.losses.delete(files);\n            files.leave();\n            this.losses.explainRenamed(files, until);',
    to: 'files.leave();',
  },
  {
    title: 'a log that was not read is no gap',
    module: 'placement',
    from: 'this.#missed(why, directories, log?.since ?? this.#drains, log);',
    to: 'if (log === undefined) this.#missed(why, directories, this.#drains, log);',
  },
  {
    title: 'events that were lost are no gap',
    module: 'placement',
    from: 'this.#missed(why, directories, log?.since ?? this.#drains, log);',
    to: 'if (log !== undefined) this.#missed(why, directories, log.since, log);',
  },
  {
    title: 'a gap is over before its directories are scanned',
    module: 'gap',
    from: 'this.#isOrdered && this.#pending.size === 0 && this.#logs.size === 0;',
    to: 'true;',
  },
  {
    title: 'a gap does not know that a truncate was missed',
    module: 'gap',
    from: 'this.#hasEnd ||= log.isEnd;',
    to: ';',
  },
  {
    title: 'an ADD line without files is an output',
    module: 'named-sstables',
    from: "if (files.status === 'uploading' || files.stored !== undefined)",
    to: 'if (true)',
  },
  {
    title: 'what is still being written is complete',
    module: 'logs',
    from: '!txn.committed && txn.adds.has(name)',
    to: 'false',
  },
  {
    title: 'what a commit has removed may still be uploaded and named',
    module: 'logs',
    from: 'txn.committed && txn.removes.has(name)',
    to: 'false',
  },
  {
    title: 'the quiet time of what a scan finds is over at once',
    module: 'seen-files',
    from: 'this.#changedAt = now;\n        if (name === this.main)',
    to: 'if (name === this.main)',
  },
  {
    title: 'another SSTable under the same name passes for the one before',
    module: 'seen-files',
    from: 'return before !== undefined && (before.inode !== inode || before.size !== size);',
    to: 'return false;',
  },
  {
    title: 'an SSTable that changes while it is copied was whole before',
    module: 'wholeness',
    from: 'else if (look.hasChanged)',
    to: 'else if (false)',
  },
  {
    title: 'restore points do not say what is unexplained',
    module: 'draft-builder',
    from: '            unexplained,\n',
    to: '            unexplained: [],\n',
  },
  {
    title: 'restore points do not say what is not backed up',
    module: 'draft-builder',
    from: 'unprotected: [...unprotected].sort(),',
    to: 'unprotected: [],',
  },
  {
    title: 'a restore point may be earlier than one whose manifest may be in the bucket although it failed',
    module: 'restore-points',
    from: 'this.#triedTime = Math.max(this.#triedTime, draft.state.time);',
    to: ';',
  },
  {
    title: 'a manifest that failed is not written again',
    module: 'restore-points',
    from: 'failed(draft) {\n',
    to: 'failed(draft) {\n this.#draft = undefined; this.#isCovered = true; return;\n',
  },
  {
    title: 'what is not uploaded yet is named as not backed up at once, and passes for backed up',
    module: 'standings',
    from: "return 'owed';\n        return files.status",
    to: "return 'owed';\n        return 'durable'; return files.status",
  },
  {
    title: 'an SSTable that --delete-on-backup deleted stays although a commit has removed it',
    module: 'kept-files',
    from: '!isRemoved && !has(path)',
    to: '!has(path)',
  },
  {
    title: 'a take-over accepts nothing',
    module: 'newest-manifest',
    from: 'if (this.#settings.tookOver)\n            return { time, sets: new Set(), unexplained: [] };',
    to: ';',
  },
  {
    title: 'a daemon does not take up what another run has uploaded',
    module: 'table',
    from: 'points.adopt(newer, placement.losses.endedAt);',
    to: 'return;',
  },
  {
    title: 'restore points do not wait for files that belong to no SSTable',
    module: 'restore-points',
    from: 'this.#standings.waitForFiles(source.files, now)',
    to: 'false',
  },
  {
    title: 'a newest manifest that cannot be read is good enough for an empty table',
    module: 'restore-points',
    from: 'this.#mustSay ||= newest === undefined && newestTime !== undefined;',
    to: ';',
  },
  {
    title: 'a table does not wait for its indexes',
    module: 'placement',
    from: 'if (table.hasIndexes && this.#indexes.holds(now, this.#unplaced.isComing))',
    to: 'if (false)',
  },
  {
    title: 'an SSTable that does not come to rest is waited for for ever',
    module: 'unplaced',
    from: "if (files.status === 'settling')\n            this.#judge.judge(files, drains);",
    to: 'return false;',
  },
]
