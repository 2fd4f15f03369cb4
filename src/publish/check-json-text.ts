import { invalidEvent } from './publish-event.js';
import type { EventFault } from './publish-event.js';

/** Deeper than any event, and far from where readers that walk JSON by recursion fall over. */
const depthMax = 128;

/** Refuses JSON text that is nested too deeply, whoever reads it later. Does not check that it is JSON. */
export function checkJsonText(text: string): EventFault | null {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 34) at = endOfString(text, at);
    else if (unit === 123 || unit === 91) {
      if (++depth > depthMax) return { ...invalidEvent(`The body is nested deeper than ${depthMax} levels.`), limit: depthMax };
    } else if (unit === 125 || unit === 93) depth--;
  }
  return null;
}

function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 34) return at;
    if (unit === 92) at++;
  }
  return text.length;
}
