package dotenv

import (
	"context"
	"fmt"
	"os"

	"github.com/picloud/picloud/internal/pic/cli"
	"github.com/picloud/picloud/internal/pic/exit"
	"github.com/picloud/picloud/internal/pic/terminal"
)

// Open reads the file of that name, standard input for "-". A file without any
// value in it is wrong usage.
func Open(ctx context.Context, env *cli.Env, name string) (map[string]string, error) {
	in := env.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, exit.Usagef("%w", err)
		}
		defer f.Close()
		in = f
	} else {
		name = "standard input"
	}
	values, err := terminal.Await(ctx, func() (map[string]string, error) { return Read(in) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(values) == 0 {
		return nil, exit.Usagef("%s holds no NAME=value", name)
	}
	return values, nil
}

// Help is what commands that take a file say of it.
const Help = `A line is NAME=value. Empty lines and those that begin with # are left out, as is
"export". A value ends before " #"; between double quotes \n, \t, \", \\ and \$ are
escapes, between single quotes nothing is; quoted values may go over several lines.
Variables in values are not replaced.`
