// Tells RequireJS, before it loads, where the scripts of the widgets lie: the font of their icons is looked up relative to that.
window.require = { baseUrl: new URL("../widgets/", document.currentScript.src).href };
