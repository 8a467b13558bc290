//! Panes: state, update and render of one thing together.
