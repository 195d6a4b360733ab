// A part of them, as a run of all takes 20 minutes of CPU time: SEED=2251 HISTORIES=250.
process.env['HISTORIES'] ??= '5000'
await import('./histories.slow.test.js')
