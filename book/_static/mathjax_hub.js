// The scripts of the widgets ask MathJax 2 to typeset their labels; MathJax 3 has no Hub, and none of our labels holds a formula.
{
  const Hub = { Queue() {} };
  let current = window.MathJax;
  Object.defineProperty(window, "MathJax", {
    get: () => current,
    set: (value) => (current = Object.assign(value, { Hub })),
  });
  if (current) window.MathJax = current;
}
