// Show the passkey buttons where the browser has passkeys, and say so when one fails.
(function () {
  "use strict";
  if (window.PublicKeyCredential) {
    document.querySelectorAll("[data-passkey]").forEach(function (part) { part.hidden = false; });
  }
  document.addEventListener("allauth.error", function (event) {
    event.preventDefault();
    document.getElementById("passkey-trouble").hidden = false;
  });
})();
