// Stands in for navigator.serial: its one port is the board behind boardTakes and boardGives.
(() => {
  let [opened, gone] = [false, false];
  const port = {
    readable: null,
    writable: null,
    async open() {
      if (opened) throw new Error("it is open already");
      [opened, gone] = [true, false];
      port.readable = new ReadableStream({
        async pull(controller) {
          for (;;) {
            const text = await window.boardGives();
            if (gone) {
              controller.error(new Error("The device has been lost."));
              return;
            }
            if (text) {
              controller.enqueue(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
              return;
            }
          }
        },
      });
      port.writable = new WritableStream({
        write: (bytes) => window.boardTakes(btoa(String.fromCharCode(...bytes))),
      });
    },
    async close() {
      opened = false;
    },
  };
  Object.defineProperty(navigator, "serial", { value: { requestPort: async () => port } });
  window.boardVanishes = () => {
    gone = true;
  };
})();
