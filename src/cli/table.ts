/** Rows as columns that line up; numbers to the right. The last column is not padded. */
export function formatTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): readonly string[] {
  const all = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumeric = head.map((_, column) => rows.length > 0 && rows.every((row) => /^(-|\d+)$/.test(String(row[column] ?? ''))));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] ? cell.padStart(width) : column === head.length - 1 ? cell : cell.padEnd(width);
      })
      .join('  '),
  );
}
