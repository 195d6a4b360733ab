process.env['HISTORIES'] ??= '5000'
await import('../retention/histories.test.js')
