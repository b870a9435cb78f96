"""Who must look at a withdrawal, and who may."""
