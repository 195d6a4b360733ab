import { threadCpuTime } from 'tablesnap-io'
import t from 'tap'

import { Pattern } from '../../src/config/pattern.js'

await t.test("Python's forms mean what they mean there", t => {
  for (const [source, match, other] of [
    ['(?i)KS1', '/data/ks1/', '/data/ks2/'],
    ['(?P<n>a+)-(?P=n)$', 'aa-aa', 'aa-ba'],
    ['\\Aab\\Z', 'ab', 'xab'],
    ['(?m)\\Aab$', 'ab\nx', 'x\nab'],
    ['[]x]y', ']y', 'zy'],
    ['[^]x]y', 'zy', ']y'],
    ['^a{,2}$', 'aa', 'aaa'],
    ['(?#comment)a', 'a', 'b'],
    ['(?<!b)a', 'ca', 'ba'],
    ['(a)\\1', 'aa', 'ab'],
    ['a{x}', 'a{x}', 'aaa'],
    ['/(system|system_auth)/', '/data/system/x', '/data/systems/x'],
    ['(?s)a.b', 'a\nb', 'ab'],
    ['-tmp', '/a-tmp-b', '/a'],
    ['a(?i)b', 'xAB', 'xac'],
    ['(?i:a)b', 'Ab', 'AB'],
    ['[[:alpha:]]b', 'p]b', 'ab'],
    ['^[\\b\\x2d\\u00e9\\055]+$', '-é-', '-e-'],
    ['\\u00e9\\x2d\\0', 'é-\0', 'e-0'],
    ['^[+--]$', ',', '/'],
    ['^a\\_\\é$', 'a_é', 'a_e'],
    ['-(Index|Filter)\\.db$', 'nb-1-big-Index.db', 'nb-1-big-Data.db'],
    ['a(?!b)c?', 'ac', 'ab'],
    ['(?<!snapshots)/nb', 'x/nb', 'snapshots/nb'],
    ['(?<=ks(?:1|2))/t', 'ks1/t', 'ks3/t'],
  ] as const) {
    const pattern = new Pattern(source)
    t.ok(pattern.test(match), `${source} is found in ${match}`)
    t.notOk(pattern.test(other), `${source} is not found in ${other}`)
  }
  t.end()
})

await t.test('faults and their places', t => {
  for (const [source, message] of [
    ['ab(c', 'missing ) for the ( at character 3'],
    ['ab)', 'unbalanced ) at character 3'],
    ['a[b', 'missing ] for the [ at character 2'],
    ['[]', 'missing ] for the [ at character 1'],
    ['*a', 'nothing to repeat for * at character 1'],
    ['a|+', 'nothing to repeat for + at character 3'],
    ['a**', 'nothing to repeat for * at character 3'],
    ['a{3,1}', '{3,1} has its bounds the wrong way round at character 2'],
    ['[z-a]', 'bad character range z-a at character 2'],
    ['a\\', 'nothing follows the backslash at character 2'],
    ['(a)\\2', '\\2 refers to a group that does not exist at character 4'],
    ['(?P=n)', 'reference to a group name that does not exist at character 1'],
    ['(?P<1>a)', 'bad group name at character 5'],
    ['(?P<a>b)(?P<a>c)', 'the group name a is used twice at character 13'],
    ['(?x)a', 'the flag x is not supported at character 1'],
    ['a\\q', '\\q is not supported at character 2'],
    ['a(?>b)', '(?> is not supported at character 2'],
  ] as const) {
    t.throws(() => new Pattern(source), { name: 'PatternError', message }, source)
  }
  t.end()
})

await t.test('no expression takes long over a path', t => {
  const path = `/data/ks/${'a'.repeat(100)}!`
  const began = threadCpuTime()
  t.notOk(new Pattern('(a+)+$').test(path))
  t.notOk(new Pattern('(?i)(?<=(A|a)*)(a+)+$').test(path))
  t.notOk(new Pattern('\\A(?:/|\\w|\\w\\w)+\\Z').test(path))
  t.ok(threadCpuTime() - began < 200)
  for (const source of ['(?=x|(a|aa)+$)a', '(a*)*\\1', '(?!.*a.*b.*c)'])
    t.throws(() => new Pattern(source), { name: 'PatternError', message: /may take for ever/ }, source)
  t.throws(() => new Pattern('(\\w{100}-){100}'), {
    name: 'PatternError',
    message: /too large.*pieces/,
  })
  for (const source of [
    '^(?!.*(Index|Filter).*\\.db$)',
    '(?!.*snapshots)/.+',
    '(?P<a>x)(?P=a)+',
    '(?i)a(?!b)',
  ])
    t.ok(new Pattern(source), source)
  t.end()
})
