package manager_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

func TestSecrets(t *testing.T) { onBoth(t, manageSecrets) }

func manageSecrets(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	app, _ := in.deployed("demo")
	value := func(name string) string {
		t.Helper()
		v, err := in.vault.Secret(t.Context(), app.ID, name)
		if errors.Is(err, store.ErrNotFound) {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	r := owner("PUT", "/apps/demo/secrets/TOKEN", object{"value": "hunter2-one"}).want(201)
	if r.str("name") != "TOKEN" || r.str("updated_by") != "ada" || r.str("created_at") == "" || strings.Contains(string(r.body), "hunter2") {
		t.Errorf("set: %s", r.body)
	}
	owner("PUT", "/apps/demo/secrets/TOKEN", object{"value": "hunter2-two"}).want(200)
	if value("TOKEN") != "hunter2-two" {
		t.Error("the second value is not there")
	}
	r = owner("POST", "/apps/demo/secrets", object{"values": object{"TOKEN": "hunter2-three", "A": "hunter2-a"}}).want(200)
	if string(r.body) != "{\"created\":1,\"updated\":1}\n" || value("TOKEN") != "hunter2-three" || value("A") != "hunter2-a" {
		t.Errorf("import: %s", r.body)
	}
	// There is no way to read one.
	owner("GET", "/apps/demo/secrets/TOKEN", nil).want(405)
	r = owner("GET", "/apps/demo/secrets?limit=1", nil).want(200)
	if r.str("items.0.name") != "A" || r.str("next") != "A" {
		t.Errorf("first page: %s", r.body)
	}
	if r = owner("GET", "/apps/demo/secrets?after=A", nil).want(200); r.str("items.0.name") != "TOKEN" || !strings.Contains(string(r.body), `"required_by":[]`) {
		t.Errorf("second page: %s", r.body)
	}

	// What a script requires must be there, and stays.
	hello := object{"source": "1", "secrets": []string{"TOKEN", "A", "TOKEN"}}
	r = owner("PUT", "/apps/demo/scripts/needy", hello).want(201)
	if !strings.Contains(string(r.body), `"secrets":["A","TOKEN"]`) {
		t.Errorf("deployed: %s", r.body)
	}
	if r = owner("GET", "/apps/demo/secrets", nil).want(200); r.str("items.0.required_by.0") != "needy" {
		t.Errorf("list: %s", r.body)
	}
	owner("DELETE", "/apps/demo/secrets/A", nil).want(409).says("the secret A: still required by needy: take it out of that script's required secrets and its guard first", "")
	r = owner("PUT", "/apps/demo/scripts/needy", object{"source": "2", "secrets": []string{"NONE"}}).want(409)
	r.says("a required secret is missing in demo: NONE (for needy); set it first: pic secrets set NAME --app demo", "")
	if r = owner("GET", "/apps/demo/scripts/needy", nil).want(200); !strings.Contains(string(r.body), `"active_version":1`) {
		t.Errorf("after a refused deployment: %s", r.body)
	}
	owner("PUT", "/apps/demo/scripts/needy", object{"source": "2", "secrets": []string{"no name"}}).want(422).says("", "body.secrets[0]")
	owner("PUT", "/apps/demo/scripts/needy", object{"source": "2", "secrets": []string{}}).want(200)
	owner("DELETE", "/apps/demo/secrets/A", nil).want(204)
	owner("DELETE", "/apps/demo/secrets/A", nil).want(404).says(`demo has no secret "A"`, "")

	for _, c := range []struct {
		method, path string
		body         any
		field        string
	}{
		{"PUT", "/apps/demo/secrets/A-B", object{"value": "hunter2-x"}, "path.secret"},
		{"PUT", "/apps/demo/secrets/A", object{"value": ""}, "body.value"},
		{"PUT", "/apps/demo/secrets/A", object{"value": "hunter2-\x00"}, "body.value"},
		{"PUT", "/apps/demo/secrets/A", object{"value": "hunter2-" + strings.Repeat("x", 64<<10)}, "body.value"},
		{"PUT", "/apps/demo/secrets/A", `{"value": 22222222}`, "body.value"},
		{"PUT", "/apps/demo/secrets/A", `{"value": ["hunter2-x"]}`, "body.value"},
		{"PUT", "/apps/demo/secrets/A", `{"vlaue": "hunter2-x"}`, ""},
		{"PUT", "/apps/demo/secrets/A", `{"value": "hunter2-x", "hunter2-y": 1}`, ""},
		{"POST", "/apps/demo/secrets", object{"values": object{}}, "body.values"},
		{"POST", "/apps/demo/secrets", object{"values": object{"A": "hunter2-x", "B": ""}}, "body.values.B"},
		{"POST", "/apps/demo/secrets", object{"values": object{"A": "hunter2-x", "hunter2 B": "x"}}, "body.values"},
		{"POST", "/apps/demo/secrets", `{"values": {"A": 22222222}}`, ""},
	} {
		r := owner(c.method, c.path, c.body).want(422)
		if c.field != "" {
			r.says("", c.field)
		}
		if strings.Contains(string(r.body), "hunter2-x") || strings.Contains(string(r.body), "22222222") {
			t.Errorf("%s %s %.80v: the answer holds the value: %s", c.method, c.path, c.body, r.body)
		}
	}
	r = owner("PUT", "/apps/demo/secrets/A", `{"value": "hunter2-x`).want(400)
	if strings.Contains(string(r.body), "hunter2") {
		t.Errorf("broken JSON is answered with %s", r.body)
	}
	if value("A") != "" {
		t.Error("a refused secret was set")
	}
	many := object{}
	for i := range store.MaxSecrets {
		many[fmt.Sprint("S", i)] = "x"
	}
	owner("POST", "/apps/demo/secrets", object{"values": many}).want(409).says("demo would have more than 250 secrets, the most an app may have", "")

	// The audit log names who set what, and holds no value; nor does the log.
	r = owner("GET", "/audit?action=importSecrets", nil).want(200)
	if !strings.Contains(string(r.body), "A, TOKEN") {
		t.Errorf("audit: %s", r.body)
	}
	for _, path := range []string{"/audit", "/apps/demo/deployments", "/apps/demo/deployments/3", "/apps/demo", "/apps/demo/scripts"} {
		if r := owner("GET", path, nil).want(200); strings.Contains(string(r.body), "hunter2") {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	if strings.Contains(in.log.String(), "hunter2") {
		t.Errorf("the log: %s", in.log)
	}
	var backup bytes.Buffer
	if err := in.store.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(backup.Bytes(), []byte("hunter2")) {
		t.Error("the database holds a value")
	}
}

func TestVariables(t *testing.T) { onBoth(t, manageVariables) }

func manageVariables(t *testing.T, in *instance) {
	owner := in.as(in.owner())
	in.deployed("demo")
	number := func() string {
		t.Helper()
		app, err := in.store.AppBySlug(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(app.ActiveDeployment)
	}
	before := number()
	r := owner("PUT", "/apps/demo/variables/REGION", object{"value": "eu"}).want(200)
	if r.str("name") != "REGION" || r.str("value") != "eu" {
		t.Errorf("set: %s", r.body)
	}
	after := number()
	if after == before {
		t.Error("a variable makes no deployment")
	}
	owner("PUT", "/apps/demo/variables/REGION", object{"value": "eu"}).want(200)
	if number() != after {
		t.Error("the same value makes a deployment")
	}
	if r = owner("GET", "/apps/demo/deployments/"+after, nil).want(200); r.str("variables.REGION") != "eu" || r.str("note") != "variables REGION" {
		t.Errorf("the deployment: %s", r.body)
	}
	r = owner("POST", "/apps/demo/variables", object{"values": object{"REGION": "us", "A": "", "B": "b"}}).want(200)
	if string(r.body) != `{"created":2,"updated":1,"deployment":`+number()+"}\n" {
		t.Errorf("import: %s", r.body)
	}
	if r = owner("GET", "/apps/demo/variables?limit=2", nil).want(200); r.str("items.0.name") != "A" || r.str("next") != "B" {
		t.Errorf("first page: %s", r.body)
	}
	if r = owner("GET", "/apps/demo/variables?after=B", nil).want(200); r.str("items.0.value") != "us" || strings.Contains(string(r.body), `"next"`) {
		t.Errorf("second page: %s", r.body)
	}
	owner("GET", "/apps/demo/variables/A", nil).want(200)
	// A deploy keeps them.
	owner("PUT", "/apps/demo/scripts/hello", object{"source": "1"}).want(200)
	owner("GET", "/apps/demo/variables/B", nil).want(200)
	owner("DELETE", "/apps/demo/variables/A", nil).want(204)
	owner("DELETE", "/apps/demo/variables/A", nil).want(404).says(`demo has no variable "A"`, "")
	owner("GET", "/apps/demo/variables/A", nil).want(404)

	owner("PUT", "/apps/demo/variables/A-B", object{"value": "x"}).want(422).says("", "path.variable")
	owner("PUT", "/apps/demo/variables/A", object{"value": strings.Repeat("x", 16<<10+1)}).want(422).says("", "body.value")
	owner("PUT", "/apps/demo/variables/A", object{"value": 1}).want(422).says("", "body.value")
	owner("POST", "/apps/demo/variables", object{"values": object{}}).want(422).says("", "body.values")
	owner("POST", "/apps/demo/variables", object{"values": object{"A": "x", "2": "x"}}).want(422).says("", "body.values")
	many := object{}
	for i := range store.MaxVariables {
		many[fmt.Sprint("V", i)] = "x"
	}
	owner("POST", "/apps/demo/variables", object{"values": many}).want(409).says("the app would have 502 variables: at most 500 are allowed", "")
}
