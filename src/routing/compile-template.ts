import { recordChannelsMax } from '../protocol/names.js';
import type { ChannelList } from './channel-list.js';
import { encodeValue } from '../std/percent-encoding.js';
import type { RecordView, SourceValue } from './record-view.js';
import type { Template, TemplatePart, ValueSource } from './template.js';

/** Adds the channels that a template makes of a record. */
export type ExpandChannels = (view: RecordView, channels: ChannelList) => void;
/** The one text that a template makes of a record; undefined when a value is missing (or empty) without default. */
export type ReadText = (view: RecordView) => string | undefined;
type SourceList = readonly (string | undefined)[];
type ReadValue = (view: RecordView) => SourceValue;

function compileSource(source: ValueSource): ReadValue {
  switch (source.kind) {
    case 'key':
      return (view) => view.key();
    case 'header': {
      const { name } = source;
      return (view) => view.header(name);
    }
    case 'json': {
      const { pointer } = source;
      return (view) => view.json(pointer);
    }
  }
}

interface CompiledValue {
  readonly read: ReadValue;
  readonly fallback: string | null;
  readonly raw: boolean;
}
type CompiledPart = string | CompiledValue;

const compilePart = (part: TemplatePart): CompiledPart =>
  part.kind === 'literal' ? part.text : { read: compileSource(part.source), fallback: part.fallback, raw: part.raw };

/** Compiles a channel template; JSON arrays fan out, their first `recordChannelsMax` elements counting. */
export function compileChannel(template: Template): ExpandChannels {
  const parts = template.parts.map(compilePart);

  const expand = (view: RecordView, channels: ChannelList, from: number, before: string): void => {
    let text = before;
    for (let i = from; i < parts.length; i++) {
      const part = parts[i] as CompiledPart;
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      const value = part.read(view);
      if (value !== undefined && typeof value !== 'string' && value.length > 0) {
        return expandEach(value, part.raw, view, channels, i + 1, text);
      }
      if (typeof value === 'string' && value !== '') {
        const encoded = part.raw ? value : encodeValue(value);
        if (encoded === undefined) return channels.skip('invalid-channel');
        text += encoded;
      } else if (part.fallback !== null) text += part.fallback;
      else return channels.skip('missing-value');
    }
    channels.add(text);
  };

  // A function of its own: what a closure captures would be an object for each record, whether it has a list or not.
  const expandEach = (elements: SourceList, raw: boolean, view: RecordView, channels: ChannelList, from: number, before: string): void =>
    fanOut(elements, raw, channels, before, (next) => expand(view, channels, from, next));

  return (view, channels) => expand(view, channels, 0, '');
}

function fanOut(elements: SourceList, raw: boolean, channels: ChannelList, before: string, goOn: (text: string) => void): void {
  for (const [i, element] of elements.entries()) {
    if (i >= recordChannelsMax || channels.isExhausted()) return channels.skip('too-many-channels');
    if (element === undefined || element === '') channels.skip('missing-value');
    else {
      const encoded = raw ? element : encodeValue(element);
      if (encoded === undefined) channels.skip('invalid-channel');
      else goOn(before + encoded);
    }
  }
}

/** Compiles a template of a type or an attribute: values as they are, an array counts as missing. */
export function compileText(template: Template): ReadText {
  const parts = template.parts.map(compilePart);
  return (view) => {
    let text = '';
    for (const part of parts) {
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      const value = part.read(view);
      if (typeof value === 'string' && value !== '') text += value;
      else if (part.fallback !== null) text += part.fallback;
      else return undefined;
    }
    return text;
  };
}

/** Compiles a condition: whether the value, or an element of it, is one of `accepted`. */
export function compileCondition(source: ValueSource, accepted: readonly string[]): (view: RecordView) => boolean {
  const read = compileSource(source);
  const wanted = new Set(accepted);
  return (view) => {
    const value = read(view);
    if (value === undefined) return false;
    return typeof value === 'string' ? wanted.has(value) : value.some((element) => element !== undefined && wanted.has(element));
  };
}
