package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/picloud/picloud/internal/pic/exit"
)

// Args checks positional arguments, with messages that name them, as in "pic apps
// show needs APP". One in brackets need not be given; one that ends in dots, the
// last, may be repeated.
func Args(names ...string) cobra.PositionalArgs {
	need, most := 0, len(names)
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			need++
		}
		if strings.HasSuffix(strings.TrimSuffix(n, "]"), "...") {
			most = -1
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < need:
			return exit.Usagef("%s needs %s", cmd.CommandPath(), strings.TrimSuffix(names[len(args)], "..."))
		case most < 0 || len(args) <= most:
			return nil
		case most == 0:
			return exit.Usagef("%s takes no argument, got %q", cmd.CommandPath(), args[0])
		case most == 1:
			return exit.Usagef("%s takes 1 argument; %q is too many", cmd.CommandPath(), args[most])
		}
		return exit.Usagef("%s takes %d arguments; %q is too many", cmd.CommandPath(), most, args[most])
	}
}

var negative = regexp.MustCompile(`^unknown shorthand flag: '\d' in (-\S+)$`)

var exclusive = regexp.MustCompile(`^if any flags in the group \[(.+)\] are set none of the others can be; \[(.+)\] were all set$`)

// Reword says in pic's words what cobra refused.
func Reword(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		reason := invalid.Unwrap()
		var number *strconv.NumError
		if errors.As(reason, &number) {
			reason = fmt.Errorf("%q is no number that it takes", invalid.GetValue())
		}
		return fmt.Errorf("--%s: %w", invalid.GetFlag().Name, reason)
	}
	if m := negative.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%q begins with -, so it is taken for a flag: give the flags first, then -- and the arguments", m[1])
	}
	if m := exclusive.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("--%s exclude one another: give one of them", strings.ReplaceAll(m[2], " ", " and --"))
	}
	return err
}
