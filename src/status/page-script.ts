/** Milliseconds between two looks of an open page. */
const EVERY = 5_000

/**
 * The script of the page: it fetches the page anew and puts the new content in place of the old one where it differs, so that
 * nothing flickers, and scrolling and selections stay. A page that is not looked at asks for nothing.
 */
export const SCRIPT = `
'use strict'
const stale = document.getElementById('stale')
let last = Date.now()
function renew(now, next) {
  if (now.isEqualNode(next)) return
  const same = now.nodeName === next.nodeName && now.nodeType === 1 && now.childNodes.length === next.childNodes.length
  if (!same) return now.replaceWith(next)
  for (const { name } of [...now.attributes]) if (!next.hasAttribute(name)) now.removeAttribute(name)
  for (const { name, value } of next.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value)
  const children = [...next.childNodes]
  ;[...now.childNodes].forEach((child, index) => renew(child, children[index]))
}
async function look() {
  if (document.hidden) return
  try {
    const answer = await fetch('.', { cache: 'no-store', signal: AbortSignal.timeout(${EVERY}) })
    if (!answer.ok) throw new Error(answer.status)
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    renew(document.getElementById('status'), page.getElementById('status'))
    document.title = page.title
    last = Date.now()
    stale.hidden = true
  } catch {
    stale.textContent = 'tablesnap has not answered for ' + Math.round((Date.now() - last) / 1000) + ' s: what is shown may be out of date'
    stale.hidden = false
  }
}
setInterval(look, ${EVERY})
document.addEventListener('visibilitychange', look)
`
