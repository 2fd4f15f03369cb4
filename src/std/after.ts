export type MaybePromise<T> = T | Promise<T>;

/** `next` of the value: at once when it is there, else when it comes. Throws or rejects accordingly. */
export function after<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
