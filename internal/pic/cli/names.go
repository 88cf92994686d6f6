package cli

import (
	"strings"

	"github.com/picloud/picloud/internal/pic/exit"
)

// ScriptName reads the name of a script on the command line: APP/SCRIPT, or
// SCRIPT when --app names the app.
func ScriptName(arg, app string) (string, string, error) {
	a, script, slash := strings.Cut(arg, "/")
	switch {
	case slash && (a == "" || script == "" || strings.Contains(script, "/")):
		return "", "", exit.Usagef("%q is no APP/SCRIPT", arg)
	case slash && app != "" && app != a:
		return "", "", exit.Usagef("%s is in the app %s, but --app says %s", arg, a, app)
	case slash:
		return a, script, nil
	case app == "":
		return "", "", exit.Usagef("%q names no app: write APP/SCRIPT, or add --app APP", arg)
	}
	return app, arg, nil
}
