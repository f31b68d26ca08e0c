// The sections around the layers: the answer first, where the numbers are, and every row as text.

import { max } from "../core/trees";
import { grouped, short } from "../core/text";
import { called, choose, jump, kerasOrder, label, model, outputOf, sizeText, stop, sums, total, unknownWork } from "./state";
import { Refusal } from "./card";
import { Totals } from "./list";
import { partsOf } from "./picture";
import type { Finding } from "../core/model";
import { Fragment, make } from "../view";

export function Answer() {
  const [input] = model.inputs, end = stop.value?.node ?? Infinity;
  const chain: { text: string; row: number }[] = input ? [{ text: sizeText(input[0]), row: -1 }] : [];
  const parts = model.nodes.length <= 60 ? model.rows.flatMap((row, i) => (row[6] ? [] : [i])) : partsOf(-1).flatMap((i) => { const inside = partsOf(i, 16); return inside.length > 1 && inside.length < 16 ? inside : [i]; });
  for (const row of parts) {
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
      <Findings title="Problems" list={model.problems} />
      <Findings title="It runs, but look" list={model.hazards} />
      {model.notes.map((note) => <p class="note">{note}</p>)}
    </>
  );
}

function Findings({ title, list }: { title: string; list?: Finding[] }) {
  if (!list?.length) return null;
  return (
    <div class="findings"><h3>{title}</h3><ul>
      {list.map(({ sentence, fixes, path, severity }) => <li>{severity && <em>{severity} </em>}{path && <b>{path}: </b>}{sentence}{fixes && fixes.length > 0 && <ul>{fixes.map((fix) => <li>{fix}</li>)}</ul>}</li>)}
    </ul></div>
  );
}

/** Bars over the parts of the model, at most 16 of them: the largest open first. */
export function Bars() {
  const { weights, work, made } = sums.value;
  let parts = partsOf(-1);
  for (let i = 0; i < parts.length && parts.length < 12; ) {
    const inside = partsOf(parts[i]!);
    if (inside.length && parts.length + inside.length <= 17) parts = [...parts.slice(0, i), ...inside, ...parts.slice(i + 1)];
    else i++;
  }
  const tables: [string, Float64Array][] = [["learned numbers", weights], ["multiply-adds (MACs)", work], ["numbers made on the way", made]];
  return (
    <div class="bars">
      {tables.map(([title, table]) => {
        const rows = parts.map((row) => ({ row, n: total(model.rows[row]!, table) })).filter(({ n }) => n > 0);
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

export function orderButton() {
  return <button aria-pressed={kerasOrder.value} onClick={() => (kerasOrder.value = !kerasOrder.value)}>{kerasOrder.value ? "Keras order (maps last)" : "PyTorch order (maps first)"}</button>;
}
