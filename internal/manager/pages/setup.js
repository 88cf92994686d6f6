// The token stands in the fragment of the link, which no server sees before
// the form is sent.
(() => {
  const field = document.getElementById("token");
  const token = location.hash.slice(1);
  if (token) {
    field.value = token;
    history.replaceState(null, "", location.pathname);
  }
  if (field.value) {
    document.getElementById("token-row").hidden = true;
    document.getElementById("username").focus();
  }
})();
