/** Whether this machine has Chinese letters: two different characters look the same where both are the box of a missing one. */
export function drawsChinese(families: string): boolean {
  const pen = Object.assign(document.createElement("canvas"), { width: 24, height: 24 }).getContext("2d", { willReadFrequently: true });
  if (!pen) return true;
  pen.font = `20px ${families}`;
  pen.textBaseline = "top";
  const [one, other] = ["市", "路"].map((character) => {
    pen.clearRect(0, 0, 24, 24);
    pen.fillText(character, 0, 0);
    return pen.getImageData(0, 0, 24, 24).data.join();
  });
  return one !== other;
}
