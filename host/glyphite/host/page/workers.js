/** Workers of the saved page, whose programs stand in the page itself. */

/**
 * @param {string} id of the element that holds the program
 * @returns {Worker}
 */
export function workerOf(id) {
  const program = document.getElementById(id)?.textContent ?? "";
  const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return worker;
}
