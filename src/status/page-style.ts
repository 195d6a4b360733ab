/** The style of the page. Colors keep a contrast of 4.5 to 1 for text in both schemes. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1a1f26;--dim:#5a6572;--line:#dde2e8;--p:#1f8a4c;--p-bg:#e4f5ea;--p-text:#146236;--w:#d98a00;--w-bg:#fff3da;--w-text:#7a4a00;--d:#d0342c;--d-bg:#fde8e6;--d-text:#9d1c15;--u:#d5dae1}
@media(prefers-color-scheme:dark){:root{--bg:#12161b;--card:#1b2128;--text:#e6eaef;--dim:#9aa6b3;--line:#2e3741;--p:#35b36b;--p-bg:#14301f;--p-text:#7fe0a8;--w:#e0a030;--w-bg:#35280d;--w-text:#f3c876;--d:#ef5b52;--d-bg:#3a1614;--d-text:#ff9d96;--u:#38424d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.35rem;margin:0;overflow-wrap:anywhere}
h2{font-size:1rem;margin:1.6rem 0 .5rem}
small{color:var(--dim);font-size:.85em}
td small,th small{white-space:nowrap}
.paths{margin:.1rem 0 .8rem;color:var(--dim);overflow-wrap:anywhere}
.verdict{border-radius:.5rem;padding:.7rem 1rem;border-left:.35rem solid}
.verdict p{margin:0;font-size:1.15rem;font-weight:600}
.verdict ul{margin:.4rem 0 0;padding-left:1.2rem}
.verdict li{overflow-wrap:anywhere}
.verdict.protected{background:var(--p-bg);color:var(--p-text);border-color:var(--p)}
.verdict.behind{background:var(--w-bg);color:var(--w-text);border-color:var(--w)}
.verdict.damaged{background:var(--d-bg);color:var(--d-text);border-color:var(--d)}
.mark{display:inline-block;width:1.1em;font-weight:700;text-align:center}
.bar{margin-top:1rem}
.bar svg{display:block;width:100%;height:1.1rem;border-radius:.3rem;background:var(--u)}
.bar p{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin:.3rem 0 0}
svg .p{fill:var(--p)}svg .w{fill:var(--w)}svg .d{fill:var(--d)}svg .u{fill:var(--u)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:.6rem;margin:1rem 0 0}
.facts div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}
dt{color:var(--dim);font-size:.85rem}
dd{margin:0;font-size:1.1rem;font-weight:600}
dd small{display:block;font-weight:400;font-size:.82rem}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
th,td{text-align:left;padding:.45rem .7rem;border-top:1px solid var(--line);vertical-align:middle;font-weight:400}
thead th{border-top:0;color:var(--dim);font-size:.85rem}
tbody th{overflow-wrap:anywhere}
time{white-space:nowrap;font-variant-numeric:tabular-nums}
.tag{display:inline-block;min-width:6.6rem;margin-right:.3rem;border-radius:.3rem;padding:0 .35rem;font-size:.82rem}
tr.protected .tag{background:var(--p-bg);color:var(--p-text)}
tr.behind .tag{background:var(--w-bg);color:var(--w-text)}
tr.damaged .tag{background:var(--d-bg);color:var(--d-text)}
.day{width:22%;min-width:8rem}
.day svg{display:block;width:100%;height:.9rem;border-radius:.2rem;background:var(--u)}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;color:var(--dim);font-size:.85rem;margin:.5rem 0 0}
.key span::before{content:"";display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;margin-right:.4rem;vertical-align:-.1rem}
.key .protected::before{background:var(--p)}.key .behind::before{background:var(--w)}.key .damaged::before{background:var(--d)}.key .unknown::before{background:var(--u)}
.errors{list-style:none;margin:0;padding:0;background:var(--card);border:1px solid var(--line);border-radius:.5rem}
.errors li{padding:.45rem .8rem;overflow-wrap:anywhere}
.errors li+li{border-top:1px solid var(--line)}
.errors time,footer time{color:var(--dim);font-size:.85rem}
footer{margin:1.5rem 0 .5rem;color:var(--dim);font-size:.85rem}
a{color:inherit}
#stale{position:sticky;top:0;z-index:1;margin:0;padding:.5rem 1rem;background:var(--d-bg);color:var(--d-text);text-align:center}
@media(max-width:40rem){
main{padding:.7rem}
.facts{grid-template-columns:repeat(2,1fr);gap:.5rem}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,th,td{display:block}
tr{padding:.55rem .8rem;border-top:1px solid var(--line)}
tr:first-child{border-top:0}
th,td{border:0;padding:.08rem 0}
td.none{display:none}
td[data-label]::before{content:attr(data-label) ": ";color:var(--dim)}
.day{width:100%;margin-top:.3rem}
}
`
