import type { LogRecord } from '../protocol/log-record.js';
import type { ControlCommand, DisconnectCommand, EvictCommand, RenewCommand } from './control-command.js';

/** What a record of the control topic says; `unknown`: of another version or a kind that this one does not have; `invalid`: nothing of ours. */
export type DecodedCommand = ControlCommand | 'unknown' | 'invalid';

/** Longest record. Claims are the largest part of one, and come out of a request's head of 16 KB. */
export const commandBytesMax = 65_536;
/** Streams named in one record; more are sent in several. */
export const evictedMax = 500;

const version = 1;
const textMax = 1_024;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The records of a command: one, or several where a list is long. Throws a RangeError for one that no node would take. */
export function encodeCommand(command: ControlCommand): readonly string[] {
  return splitEviction(command).map((part) => {
    const fields = { v: version, ...part };
    const text = JSON.stringify(fields);
    if (Buffer.byteLength(text) > commandBytesMax) throw new RangeError(`a control command has at most ${commandBytesMax} bytes`);
    if (typeof readFields(fields) === 'string') throw new RangeError('the control command has a field that is empty, too long or no time');
    return text;
  });
}

function splitEviction(command: ControlCommand): readonly ControlCommand[] {
  if (command.kind !== 'evict' || command.streamIds.length <= evictedMax) return [command];
  const parts: EvictCommand[] = [];
  for (let at = 0; at < command.streamIds.length; at += evictedMax) {
    parts.push({ kind: 'evict', streamIds: command.streamIds.slice(at, at + evictedMax) });
  }
  return parts;
}

/** Reads a record, whoever wrote it. Never throws; only the fields that are known come out. */
export function decodeCommand({ value }: LogRecord): DecodedCommand {
  if (value === null || value.length > commandBytesMax) return 'invalid';
  let root: unknown;
  try {
    root = JSON.parse(decoder.decode(value));
  } catch {
    return 'invalid';
  }
  return isFields(root) ? readFields(root) : 'invalid';
}

type Fields = Readonly<Record<string, unknown>>;

function readFields(fields: Fields): DecodedCommand {
  if (typeof fields['v'] !== 'number' || typeof fields['kind'] !== 'string') return 'invalid';
  if (fields['v'] !== version) return 'unknown';
  switch (fields['kind']) {
    case 'disconnect':
      return readDisconnect(fields) ?? 'invalid';
    case 'renew':
      return readRenew(fields) ?? 'invalid';
    case 'evict':
      return readEvict(fields) ?? 'invalid';
    default:
      return 'unknown';
  }
}

/** A field that is there must be sound: a match that lost one would end more streams than was asked. */
function readDisconnect({ subject, tokenId, channel, atMs, untilMs }: Fields): DisconnectCommand | null {
  const given = [subject, tokenId, channel].filter((field) => field !== undefined);
  if (given.length === 0 || !given.every(isText) || !isTime(atMs) || !isTime(untilMs)) return null;
  return {
    kind: 'disconnect',
    ...(isText(subject) ? { subject } : {}),
    ...(isText(tokenId) ? { tokenId } : {}),
    ...(isText(channel) ? { channel } : {}),
    atMs,
    untilMs,
  };
}

function readRenew({ streamId, subject, tokenId, issuedAtMs, expiresAtMs, claims }: Fields): RenewCommand | null {
  if (!isText(streamId) || !isText(subject) || !isText(tokenId) || !isFields(claims)) return null;
  if (!(issuedAtMs === null || isTime(issuedAtMs)) || !(expiresAtMs === null || isTime(expiresAtMs))) return null;
  return { kind: 'renew', streamId, subject, tokenId, issuedAtMs, expiresAtMs, claims };
}

function readEvict({ streamIds }: Fields): EvictCommand | null {
  if (!Array.isArray(streamIds) || streamIds.length > evictedMax || !streamIds.every(isText)) return null;
  return { kind: 'evict', streamIds };
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= textMax;
/** Finite and not before 1970; issuers may write fractions. */
const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
