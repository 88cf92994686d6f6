package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/store"
)

func TestSettingNames(t *testing.T) {
	for _, name := range []string{"A", "_", "STRIPE_KEY", "port2", strings.Repeat("x", store.MaxSettingName)} {
		if err := store.CheckSettingName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "2FA", "A-B", "A B", "A\n", "Ä", "a.b", "a/b", strings.Repeat("x", store.MaxSettingName+1)} {
		if store.CheckSettingName(name) == nil {
			t.Errorf("%q is allowed", name)
		}
	}
}

func TestSettingValues(t *testing.T) {
	const hidden = "hunter2-"
	for _, bad := range []string{hidden + "\x00", hidden + "\xff", strings.Repeat(hidden, store.MaxSecretValue)} {
		for _, err := range []error{store.CheckVariable(bad), store.CheckSecret(bad)} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
	}
	if store.CheckSecret("") == nil || store.CheckVariable("") != nil {
		t.Error("an empty variable is one, an empty secret is none")
	}
	many := map[string]string{}
	for i := range store.MaxVariables {
		many[fmt.Sprint("V", i)] = ""
	}
	if err := store.CheckVariables(many); err != nil {
		t.Error(err)
	}
	many["ONE_MORE"] = ""
	if store.CheckVariables(many) == nil {
		t.Error("one variable too many is allowed")
	}
	large := map[string]string{}
	for i := range 8 {
		large[fmt.Sprint("V", i)] = strings.Repeat("x", store.MaxVariableValue)
	}
	if err := store.CheckVariables(large); err == nil || strings.Contains(err.Error(), "xxx") {
		t.Errorf("too much in all: %v", err)
	}
}
