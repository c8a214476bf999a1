// In the page of NNI's portal: one word for one thing. What a user ended is "cancelled" in the terminal, in the
// run folder and in reports; NNI calls it USER_CANCELED in its table and "Stopped" in its counts, and what ended
// with its server and runs again after a resume SYS_CANCELED.
'use strict';

(() => {
    const WORDS = { USER_CANCELED: 'CANCELLED', SYS_CANCELED: 'INTERRUPTED', Stopped: 'Cancelled' };

    function reword(root) {
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        for (let text = root.nodeType === Node.TEXT_NODE ? root : texts.nextNode(); text; text = texts.nextNode()) {
            const word = WORDS[text.data];
            if (word !== undefined && text.parentElement?.closest('pre, code, input, textarea') === null) {
                text.data = word;
            }
        }
    }

    new MutationObserver((changes) => {
        for (const change of changes) {
            if (change.type === 'characterData') {
                reword(change.target);
            }
            change.addedNodes.forEach(reword);
        }
    }).observe(document.documentElement, { childList: true, characterData: true, subtree: true });
})();
