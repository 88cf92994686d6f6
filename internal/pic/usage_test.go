package pic_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/picloud/picloud/internal/pic"
	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// says runs pic without a server and returns what it says.
func says(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := cli.New(&terminal.Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }}, "1.0.0")
	code = pic.Run(t.Context(), env, args, pic.Offline{})
	return code, errs.String()
}

func TestUnknownCommands(t *testing.T) {
	for args, want := range map[string]string{
		"kv delete x":                         `"delete" is no command of pic kv` + "\ndid you mean: pic kv rm\n",
		"kv delete x --app demo":              `"delete" is no command of pic kv` + "\ndid you mean: pic kv rm\n",
		"kv remove x -a demo --yes":           "did you mean: pic kv rm\n",
		"kv put x 1 --app demo --json":        "did you mean: pic kv set\n",
		"kv show x --app demo":                "did you mean: pic kv get\n",
		"kv list --app demo":                  "did you mean: pic kv ls\n",
		"kv triggers create x --app demo":     `"create" is no command of pic kv triggers` + "\ndid you mean: pic kv triggers add\n",
		"--output json kv list --app demo":    "did you mean: pic kv ls\n",
		"queues create x --app demo":          "a queue needs no creating",
		"topics list --app demo":              "did you mean: pic topics ls\n",
		"topics rm mail --yes":                "did you mean: pic topics unsubscribe\n",
		"secrets get KEY --app demo":          "values of secrets cannot be shown",
		"secrets show KEY":                    "values of secrets cannot be shown",
		"apps rm demo --yes":                  "did you mean: pic apps delete\n",
		"apps lst":                            "did you mean: pic apps ls\n",
		"members invite bob --role x":         "did you mean: pic members add\n",
		"api-keys create --app demo":          "did you mean: pic api-keys mint\n",
		"deploy x.rhai --app demo":            `"deploy" is no command of pic` + "\ndid you mean: pic scripts deploy\n",
		"frobnicate --fast":                   `"frobnicate" is no command of pic` + "\nRun 'pic --help'",
		"kv --fast":                           "unknown flag: --fast",
		"kv get x --app demo --fast":          "unknown flag: --fast",
		"schedules delete x --app demo --yes": "did you mean: pic schedules rm\n",
	} {
		code, said := says(t, strings.Fields(args)...)
		if code != exit.Usage || !strings.Contains(said, want) {
			t.Errorf("pic %s: exit code %d, it says %s, want %s", args, code, said, want)
		}
	}
}

func TestWordsOfWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"kv set x 1 --app demo --ttl 5":                         `pic: --ttl: "5" is no duration: write 500ms, 90s, 1h30m, 7d or 2w`,
		"kv set x 1 --app demo --ttl 0s":                        `--ttl: "0s" is no duration`,
		"kv set x 1 --app demo --ttl 1ns":                       `--ttl: 1ns is less than a millisecond`,
		"queues send x 1 --app demo --delay soon":               `--delay: "soon" is no duration`,
		"queues consume x --app demo --script y --backoff 5":    `--backoff: "5" is no duration`,
		"schedules add @daily --app demo --script y --jitter x": `--jitter: "x" is no duration`,
		"dev a b":                                    `pic dev takes 1 argument; "b" is too many`,
		"test a b":                                   `pic test takes 1 argument; "b" is too many`,
		"invoke demo/x --timeout 5":                  `--timeout: "5" is no duration`,
		"kv set x -5 --json --app demo":              `pic: "-5" begins with -, so it is taken for a flag: give the flags first, then -- and the arguments`,
		"kv set x -y --app demo":                     `pic: unknown shorthand flag: 'y' in -y`,
		"test nowhere":                               `pic: there is no file and no folder nowhere`,
		"kv ls --app demo --limit many":              `pic: --limit: "many" is no number that it takes`,
		"kv set --app demo":                          `pic kv set needs KEY`,
		"kv set a b c --app demo":                    `pic kv set takes 2 arguments; "c" is too many`,
		"kv rm --app demo":                           `pic kv rm needs KEY`,
		"queues purge --app demo":                    `pic queues purge needs NAME`,
		"apps update demo --any-host --allow-host x": `--allow-host and --any-host exclude one another: give one of them`,
	} {
		code, said := says(t, strings.Fields(args)...)
		if code != exit.Usage || !strings.Contains(said, want) {
			t.Errorf("pic %s: exit code %d, it says %s, want %s", args, code, said, want)
		}
	}
	// What is right goes on to look for a server.
	for _, args := range []string{"kv set --json --app demo -- x -5", "kv set x 1 --app demo --ttl 30d", "queues send x 1 --app demo --delay 1d", "invoke demo/x --timeout 0", "queues purge emails a b --app demo --yes"} {
		if code, said := says(t, strings.Fields(args)...); code != exit.NotSignedIn {
			t.Errorf("pic %s: exit code %d, it says %s", args, code, said)
		}
	}
}
