// Tells RequireJS, before it loads, where the scripts of the widgets lie. Two of them look up the font of their icons beside
// themselves, and which of the two the browser believes is chance: so both are said to lie in the folder that has the fonts.
window.require = {
  baseUrl: new URL("../widgets/", document.currentScript.src).href,
  paths: {
    "@jupyter-widgets/html-manager": "@jupyter-widgets/html-manager/dist/html-manager",
    "@jupyter-widgets/html-manager/dist": "@jupyter-widgets/html-manager/dist",
  },
};
