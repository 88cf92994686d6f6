package manager_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/manager"
)

// The document is an interface: a change of the handlers' types changes it on
// purpose, or not at all.
func TestTheDocumentIsWhatTheHandlersSay(t *testing.T) {
	got, err := manager.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../api/openapi.yaml"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s is out of date from line %d on: the handlers say %q. Run: go generate ./client", file, i+1, g[i])
		}
	}
	t.Fatalf("%s is longer than what the handlers say. Run: go generate ./client", file)
}

func TestTheDocumentIsWhole(t *testing.T) {
	doc, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	public := map[string]bool{"getSetup": true, "createOwner": true, "signIn": true, "getVersion": true}
	n := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			n++
			if public[op.OperationID] != (len(op.Security) == 0) {
				t.Errorf("%s %s (%s) is documented with security %v", method, path, op.OperationID, op.Security)
			}
			if _, ok := op.Responses["401"]; !ok && !public[op.OperationID] {
				t.Errorf("%s does not document 401", op.OperationID)
			}
		}
	}
	if n < 38 {
		t.Errorf("there are only %d operations", n)
	}
}
