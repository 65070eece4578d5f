"""The line and column of a mistake, once there is one."""
