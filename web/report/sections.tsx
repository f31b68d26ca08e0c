// The sections around the layers: the answer first, where the numbers are, and every row as text.

import { max } from "../core/trees";
import { grouped, short } from "../core/text";
import { called, choose, jump, label, model, outputOf, sizeText, stop, sums, total, unknownWork } from "./state";
import { Refusal } from "./card";
import { Totals } from "./list";
import { Fragment, make } from "../view";

export function Answer() {
  const [input] = model.inputs, end = stop.value?.node ?? Infinity, chain = input ? [{ text: sizeText(input[0]), row: -1 }] : [];
  for (const row of model.chain) {
    const [, , , first, count] = model.rows[row]!, text = sizeText(outputOf(row));
    if (first + count > end) break;
    if (chain.at(-1)?.text !== text) chain.push({ text, row });
  }
  return (
    <>
      <p class="answer" aria-label="Sizes from input to output">
        {chain.slice(0, 24).map(({ text, row }, i) => <>{i > 0 && " -> "}{row < 0 ? <span>{text}</span> : <button class="link" title={called(row)} onClick={() => { choose(row); jump("card"); }}>{text}</button>}</>)}
        {chain.length > 24 && ` -> ... -> ${chain.at(-1)!.text}`}
      </p>
      <Totals />
      {stop.value && <Refusal />}
    </>
  );
}

/** Bars over the parts that Python picked, the largest of each kind first. */
export function Bars() {
  const { weights, work, made } = sums.value;
  const tables: [string, Float64Array][] = [["learned numbers", weights], ["multiply-adds (MACs)", work], ["numbers made on the way", made]];
  return (
    <div class="bars">
      {tables.map(([title, table]) => {
        const rows = model.bars.map((row) => ({ row, n: total(model.rows[row]!, table) })).filter(({ n }) => n > 0);
        const most = max(1, ...rows.map(({ n }) => n)), all = table.at(-1)!;
        return (
          <table><caption>{title}: {model.problem || (title.startsWith("multiply") && unknownWork.value) ? "at least " : ""}{grouped(all)}</caption><tbody>
            {rows.sort((a, b) => b.n - a.n).slice(0, 16).map(({ row, n }) => (
              <tr><th scope="row"><button class="link" onClick={() => choose(row)}>{called(row)}</button></th>
                <td><div class="bar" style={{ width: `${max(0.5, (100 * n) / most)}%` }} /></td><td class="r">{short(n)}</td><td class="r">{((100 * n) / all).toFixed(1)} %</td></tr>
            ))}
          </tbody></table>
        );
      })}
    </div>
  );
}

/** Every row as text, for the browser's own search, for printing and for reading aloud. */
export function textVersion(): string {
  return model.rows.map((data, row) => {
    const [depth, , type, , , times] = data, size = sizeText(outputOf(row)), n = total(data, sums.value.weights);
    return `${"  ".repeat(depth)}${label(row)}${times > 1 ? ` x ${times}` : ""}${type && type !== label(row) ? ` (${type})` : ""}  ${size}${n ? `  ${grouped(n)} learned` : ""}`;
  }).join("\n");
}
