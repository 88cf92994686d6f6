package cli

import (
	"context"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/output"
)

// One sends a request that answers one object, and shows that.
func One[T any](ctx context.Context, env *Env, columns []output.Column[T], send func(context.Context, *client.Client) (T, error)) error {
	w, err := env.Writer()
	if err != nil {
		return err
	}
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	v, err := send(ctx, conn)
	if err != nil {
		return Explain(err)
	}
	return output.Show(w, v, columns)
}

// List reads every page of a listing, and shows it. page answers one page and
// the key of the next. none is said when there is nothing; it may be empty.
func List[T any](ctx context.Context, env *Env, columns []output.Column[T], none string,
	page func(ctx context.Context, conn *client.Client, p client.Page) (items []T, next string, err error),
) error {
	w, err := env.Writer()
	if err != nil {
		return err
	}
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	read := 0
	all, err := All(func(p client.Page) ([]T, string, error) {
		if read > 0 {
			env.Progress("%d read …", read)
		}
		items, next, err := page(ctx, conn, p)
		read += len(items)
		return items, next, err
	})
	env.Done()
	if err != nil {
		return err
	}
	if len(all) == 0 && none != "" {
		env.Notef("%s", none)
	}
	return output.List(w, all, columns)
}

// Do sends a request that answers nothing, once question was answered with yes
// or --yes was given, and says what was done.
func Do(ctx context.Context, env *Env, yes bool, question, done string, send func(context.Context, *client.Client) error) error {
	conn, err := env.Connect()
	if err != nil {
		return err
	}
	if err := env.Confirm(ctx, yes, "%s", question); err != nil {
		return err
	}
	if err := send(ctx, conn); err != nil {
		return Explain(err)
	}
	env.Notef("%s", done)
	return nil
}
