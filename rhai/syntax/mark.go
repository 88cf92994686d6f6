package syntax

// mark is what a token is to the formatter, where its kind does not tell.
type mark uint8

const (
	markStmt    mark = 1 << iota // begins a statement of a block or of the script
	markItem                     // begins an arm of a switch
	markBlock                    // the { of a block
	markSwitch                   // the { of a switch
	markBinary                   // an operator between two operands
	markClosure                  // the | or || that begins a closure
	markGlue                     // the (, [ or ! right after what it belongs to
	markTail                     // the while or until that ends a do
)

// mark notes what the current token is.
func (p *parser) mark(m mark) {
	if p.marks != nil {
		p.marks[p.tok.pos] |= m
	}
}

// markStmt notes that a statement begins with the current token, unless it is an empty one.
func (p *parser) markStmt() {
	if p.marks != nil && p.tok.kind != SemiColon && p.tok.kind != EOF {
		p.mark(markStmt)
	}
}
