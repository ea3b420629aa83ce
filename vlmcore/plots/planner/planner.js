// What to buy for a budget: the rule of vlmcore.scaling.candidates and .plan, evaluated where the page is read, and its picture.

const ACCENT = "#d55e00";

/** Every model and V that can be bought, with the cost of one question: 2N(Q + V) and what is added. Sizes in the order given, V within them. */
function candidates(data, asked) {
  const text = (asked.cached ? 0 : asked.text_tokens) * (asked.question_pass ? 2 : 1);
  const encoder = asked.encoder ? data.encoder : 0;
  const sizes = data.models[asked.models];
  if (sizes) return sizes.flatMap((N) => data.tokens.map((V) => ({ N, V, cost: 2 * N * (text + V) + encoder })));
  const left = asked.budget - encoder; // any size: the one that spends the budget
  if (left <= 0) return [{ N: NaN, V: 1, cost: encoder }];
  return Array.from({ length: Math.max(...data.tokens) }, (_, i) => ({ N: left / (2 * (text + i + 1)), V: i + 1, cost: asked.budget }));
}

/** Errors that one law, [AB, alpha, beta, D], predicts for rows of candidates. */
function errors([AB, alpha, beta, D], rows, unit) {
  return rows.map(({ N, V }) => AB * Math.exp(-alpha * Math.log(N / unit) - beta * Math.log(V)) + D);
}

/** The index of the first smallest value. */
function smallest(values) {
  let best = 0;
  values.forEach((value, i) => { if (value < values[best]) best = i; });
  return best;
}

/** A quantile, linear between order statistics. */
function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1), below = Math.floor(at);
  return sorted[below] + (at - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}

/** Which of N and V lie outside of the law's data. */
function beyond(row, measured) {
  return ["N", "V"].filter((name) => row[name] < measured[name][0] || row[name] > measured[name][1]);
}

/** The affordable candidate with the least predicted error, and the choices of the refits; `best` is null where nothing can be bought. */
function plan(data, asked) {
  const { law, replicates, unit, measured } = data.laws[asked.task];
  const rows = candidates(data, asked), affordable = rows.filter((row) => row.cost <= asked.budget && row.N > 0);
  const cheapest = Math.min(...rows.map((row) => row.cost));
  if (!affordable.length) return { rows, affordable, cheapest, measured, unit, law, best: null };
  const predicted = errors(law, affordable, unit), best = smallest(predicted);
  const refits = replicates.map((each) => errors(each, affordable, unit)), choices = refits.map(smallest);
  const interval = (i) => [0.025, 0.975].map((share) => quantile(refits.map((each) => each[i]), share));
  const [low, high] = interval(best);
  const agreement = choices.filter((choice) => choice === best).length / choices.length;
  return { rows, affordable, cheapest, measured, unit, law, predicted, best, choices, interval, low, high, agreement };
}

const billions = (N) => `${+(N / 1e9).toPrecision(N < 1e11 ? 2 : 3)}B`;
const flops = (value) => (value < 1e12 ? `${+(value / 1e9).toPrecision(3)} GFLOPs` : `${+(value / 1e12).toPrecision(3)} TFLOPs`);
const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

/** The answer in words, as HTML. */
function words(found, asked) {
  const { affordable, best, choices, measured } = found;
  if (best === null) {
    const included = asked.encoder ? ", the vision encoder included" : "";
    return `<p><b>${flops(asked.budget)} buy nothing.</b> The cheapest costs ${flops(found.cheapest)}${included}.</p>`;
  }
  const { N, V, cost } = affordable[best];
  const counts = new Map();
  choices.forEach((choice) => counts.set(choice, (counts.get(choice) ?? 0) + 1));
  const next = [...counts].filter(([choice]) => choice !== best).sort((a, b) => b[1] - a[1]).slice(0, 2);
  const others = next.map(([choice, count]) => {
    const { N, V } = affordable[choice];
    return `, ${percent(count / choices.length)} ${billions(N)} with V = ${V}`;
  });
  const outside = beyond(affordable[best], measured);
  const token = V === 1 ? "token" : "tokens";
  return `<p>Buy a language model of <b>${billions(N)}</b> and show it <b>V&nbsp;=&nbsp;${V}</b> visual ${token}, for ${flops(cost)}.</p>`
    + `<p>Predicted error <b>${found.predicted[best].toFixed(3)}</b> (95 %: ${found.low.toFixed(3)} to ${found.high.toFixed(3)}). `
    + `<b>${percent(found.agreement)}</b> of ${choices.length} refits would buy the same${others.join("")}.</p>`
    + (outside.length ? `<p><b>Extrapolated:</b> ${outside.join(" and ")} outside of the data, N from ${measured.N.map(billions).join(" to ")} and V from `
      + `${measured.V.join(" to ")}. All this holds only if the law still does there.</p>` : "");
}

/** Coordinates of a picture `width` pixels wide, and a pen that collects its shapes. */
function canvas(width, tokens) {
  const left = 40, right = width - 44, top = 28, floor = 290, foot = 392, shapes = [];
  const add = (tag, attributes, content = "") =>
    shapes.push(`<${tag} ${Object.entries(attributes).map(([name, value]) => `${name}="${value}"`).join(" ")}>${content}</${tag}>`);
  return {
    left, right, top, floor, foot, shapes, add,
    x: (V) => left + ((right - left) * Math.log(V)) / Math.log(Math.max(...tokens)),
    text: (x, y, content, anchor = "middle", look = {}) => add("text", { x, y, "text-anchor": anchor, ...look }, content),
    rule: (y, opacity) => add("line", { x1: left, x2: right, y1: y, y2: y, stroke: "currentColor", "stroke-opacity": opacity }),
    path: (points, look) => {
      const corners = points.map((each) => each.map((at) => at.toFixed(1)));
      if (corners.length) add("path", { d: `M${corners.join("L")}`, fill: "none", ...look });
    },
  };
}

/** The picture: error against V for every candidate, the best buy at each V with its band, and below where the refits would buy. */
function draw(svg, found, data, asked) {
  const width = svg.clientWidth || 640, pen = canvas(width, data.tokens);
  const offered = found.rows.filter((row) => row.N > 0), predicted = errors(found.law, offered, found.unit);
  const low = Math.floor(20 * Math.min(...predicted, 1) - 0.2) / 20, high = Math.ceil(20 * Math.max(...predicted, 0) + 0.2) / 20;
  pen.y = (error) => pen.floor - ((pen.floor - pen.top) * (error - low)) / (high - low);
  const step = high - low > 0.3 ? 0.1 : 0.05;
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick < high + 1e-9; tick += step) {
    pen.rule(pen.y(tick), 0.15);
    pen.text(pen.left - 6, pen.y(tick) + 4, tick.toFixed(2), "end");
  }
  pen.rule(pen.floor, 0.6);
  pen.rule(pen.foot, 0.6);
  pen.text(0, 12, "predicted error", "start", { "font-weight": "bold" });
  pen.text(0, pen.floor + 38, "share of the refits", "start", { "font-weight": "bold" });
  pen.text(pen.right, pen.floor + 38, "visual tokens V", "end", { "font-weight": "bold" });
  let free = -Infinity; // labels of V that would touch are left out
  for (const V of data.tokens) if (pen.x(V) > free) { pen.text(pen.x(V), pen.floor + 16, V); free = pen.x(V) + 24; }
  if (data.models[asked.models]) drawSizes(pen, offered, predicted, new Set(found.affordable));
  if (found.best !== null) drawBought(pen, found, !data.models[asked.models]);
  svg.setAttribute("viewBox", `0 0 ${width} ${svg.getAttribute("height")}`);
  svg.setAttribute("aria-label", found.best === null ? "Nothing can be bought."
    : `Predicted error against V for ${flops(asked.budget)}; the least is at V = ${found.affordable[found.best].V}.`);
  svg.innerHTML = pen.shapes.join("");
}

/** One line of dots a size, full where the budget can buy it. */
function drawSizes(pen, offered, predicted, affordable) {
  const place = (i) => [pen.x(offered[i].V), pen.y(predicted[i])];
  let free = Infinity; // labels of sizes that would touch are left out
  for (const N of [...new Set(offered.map((row) => row.N))].sort((a, b) => b - a)) {
    const own = [...offered.keys()].filter((i) => offered[i].N === N);
    pen.path(own.map(place), { stroke: "currentColor", "stroke-opacity": 0.25 });
    for (const i of own) {
      const [cx, cy] = place(i);
      pen.add("circle", { cx, cy, r: 3.5, fill: "currentColor", "fill-opacity": affordable.has(offered[i]) ? 1 : 0.2 });
    }
    const height = place(own.at(-1))[1] + 4;
    if (height < free) { pen.text(pen.right + 10, height, billions(N), "start"); free = height - 12; }
  }
}

/** The candidates that the budget can buy: the best at each V with its band, the choice, and the choices of the refits. */
function drawBought(pen, { affordable, predicted, best, choices, interval }, dense) {
  const atV = new Map();
  affordable.forEach(({ V }, i) => { if (!atV.has(V) || predicted[i] < predicted[atV.get(V)]) atV.set(V, i); });
  let bests = [...atV.values()].sort((a, b) => affordable[a].V - affordable[b].V);
  if (dense) bests = bests.filter((_, k) => k < 24 || k % 12 === 0 || k === bests.length - 1); // enough for a smooth line
  const place = (i, error) => [pen.x(affordable[i].V), pen.y(error)], bands = bests.map(interval);
  const outline = [...bests.map((i, k) => place(i, bands[k][0])), ...bests.map((i, k) => place(i, bands[k][1])).reverse()];
  pen.path(outline, { fill: ACCENT, "fill-opacity": 0.25 });
  pen.path(bests.map((i) => place(i, predicted[i])), { stroke: ACCENT, "stroke-width": 2 });
  const { N, V } = affordable[best], [x, y] = place(best, predicted[best]), late = V > 100;
  pen.add("circle", { cx: x, cy: y, r: 7, fill: ACCENT });
  const label = [x + (late ? -6 : 6), Math.min(y + 24, pen.floor - 6), `${billions(N)}, V = ${V}`, late ? "end" : "start"];
  pen.text(...label, { "font-weight": "bold" });
  const shares = new Map();
  for (const choice of choices) shares.set(affordable[choice].V, (shares.get(affordable[choice].V) ?? 0) + 1 / choices.length);
  const width = dense ? 3 : 14, tallest = Math.max(...shares.values());
  for (const [at, share] of shares) {
    const height = Math.max(1, (44 * share) / tallest), look = { fill: at === V ? ACCENT : "currentColor", "fill-opacity": 0.85 };
    pen.add("rect", { x: pen.x(at) - width / 2, y: pen.foot - height, width, height, ...look });
    if (!dense || at === V) pen.text(pen.x(at), pen.foot + 15, percent(share));
  }
}

/** Connects a form. Its answer can also be read from its `data-` attributes, at full precision. */
function planner(root, data) {
  const form = root.querySelector("form"), svg = root.querySelector("svg"), answer = root.querySelector(".answer");
  const shows = (name) => root.querySelector(`[data-shows="${name}"]`);
  function update() {
    const value = (name) => form.elements[name].value;
    const asked = { task: value("task"), models: value("models"), text_tokens: +value("text_tokens"), budget: 10 ** +value("budget") };
    for (const name of ["cached", "encoder", "question_pass"]) asked[name] = form.elements[name].checked;
    for (const name of ["text_tokens", "question_pass"]) {
      form.elements[name].disabled = asked.cached; // with the text cached neither costs anything
      form.elements[name].closest("label").classList.toggle("off", asked.cached);
    }
    shows("text_tokens").textContent = asked.text_tokens;
    shows("budget").textContent = flops(asked.budget);
    const found = plan(data, asked), row = found.best === null ? {} : found.affordable[found.best];
    answer.innerHTML = words(found, asked);
    const { low, high, agreement } = found, error = found.predicted?.[found.best];
    const outside = found.best === null ? "" : beyond(row, found.measured).join(" ");
    Object.assign(root.dataset, { params: row.N, visualTokens: row.V, cost: row.cost, error, low, high, agreement, outside });
    draw(svg, found, data, asked);
  }
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  new ResizeObserver(update).observe(svg.parentElement);
  update();
}
