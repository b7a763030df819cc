/**
 * To be imported for its effect: children of the tests are started as everybody starts them, without the loader that tap
 * puts into NODE_OPTIONS. It costs each a tenth of a second, and fails where a child runs as another user.
 */
delete process.env.NODE_OPTIONS
